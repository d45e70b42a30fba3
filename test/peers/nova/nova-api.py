"""
Debian's Nova as far as it answers for console tokens: `nova-api.py --config-file=FILE`, which prints its port. Nothing of that is
imitated: the API is Nova's own (nova/api/openstack/compute), with `auth_strategy = noauth2`, where a token `USER:PROJECT` is who asks
and "admin" is an administrator; the tables are those of its own models, for its API and for one cell; and its own objects write
instances and tokens, as nova-compute does when somebody asks for a console (nova/objects/console_auth_token.py, `authorize`).
SQLite stands in the place of MariaDB, and nobody is at the other end of RabbitMQ, whom these calls do not ask.

Beside it, for the test alone: POST /test/authorize makes a token, POST /test/revoke takes an instance's away, and GET /test/asked
tells how often Nova was asked about tokens.
"""
import json
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import nova.conf
from nova import config, context, objects, rpc
from nova.db.api import api as api_db, models as api_models
from nova.db.main import api, models

config.parse_args(["nova-api", sys.argv[1]])
CONF = nova.conf.CONF
objects.register_all()
models.BASE.metadata.create_all(api.context_manager.writer.get_engine())
api_models.BASE.metadata.create_all(api_db.context_manager.writer.get_engine())
rpc.init(CONF)

ctxt = context.get_admin_context()
for uuid, name, connection in (
    (objects.CellMapping.CELL0_UUID, "cell0", "sqlite://"),
    ("3f0f0a52-4c9e-4b41-9c1f-8a9f0b6f2f5c", "cell1", CONF.database.connection),
):
    objects.CellMapping(
        ctxt,
        uuid=uuid,
        name=name,
        transport_url="fake:/",
        database_connection=connection,
        disabled=False,
    ).create()
# A proxy asks which version the oldest nova-compute speaks (nova/compute/rpcapi.py, `_determine_version_cap`).
objects.Service(ctxt, host="peer", binary="nova-compute", topic="compute").create()

# Now that there is what they look into when they are loaded.
from nova.api.openstack import FaultWrapper, compute  # noqa: E402
from nova.api.openstack.auth import NoAuthMiddleware  # noqa: E402

nova_api = FaultWrapper(NoAuthMiddleware(compute.APIRouterV21()))
asked = 0


def authorize(wanted):
    instance = objects.Instance(ctxt, project_id="peer", user_id="peer", host="peer")
    instance.create()
    token = objects.ConsoleAuthToken(
        context=ctxt,
        console_type=wanted["type"],
        host=wanted["host"],
        port=wanted["port"],
        internal_access_path=wanted.get("path"),
        instance_uuid=instance.uuid,
        access_url_base=wanted["base"],
    ).authorize(600)
    return {"token": token, "instance": instance.uuid}


def revoke(wanted):
    objects.ConsoleAuthToken.clean_console_auths_for_instance(ctxt, wanted["instance"])
    return {}


def application(environ, start_response):
    global asked
    path = environ["PATH_INFO"]
    if path.startswith("/v2.1"):
        if "os-console-auth-tokens" in path:
            asked += 1
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/v2.1", path[len("/v2.1"):]
        return nova_api(environ, start_response)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = json.loads(environ["wsgi.input"].read(length) or "{}")
    answers = {"/test/authorize": authorize, "/test/revoke": revoke, "/test/asked": lambda _: {"asked": asked}}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answers[path](body)).encode()]


class Silent(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = make_server("127.0.0.1", 0, application, handler_class=Silent)
print(server.server_port, flush=True)
server.serve_forever()
