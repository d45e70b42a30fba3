"""
Makes what nova-novncproxy looks into at every connection, and prints the token of one console as JSON:
`cell.py --config-file=FILE HOST PORT`. Nothing is imitated: the tables are those of Nova's own models, and its own
objects write the instance and the token (nova/objects/console_auth_token.py, `authorize`), as nova-compute does
when somebody asks for a console. Nova's guide "Configure remote console access" tells the way of a token. SQLite
stands in the place of MariaDB, which takes no less for a question.
"""
import json
import sys

import nova.conf
from nova import config, context, objects
from nova.db.main import api, models

# Longer than any run of the benchmark. A token of Nova's is good as often as it is shown, until then.
LIFE_SECONDS = 24 * 60 * 60

config_file, host, port = sys.argv[1:]
config.parse_args(["nova-novncproxy", config_file])
objects.register_all()
models.BASE.metadata.create_all(api.context_manager.writer.get_engine())

ctxt = context.get_admin_context()
instance = objects.Instance(ctxt, project_id="bench", user_id="bench", host="bench")
instance.create()
# The proxy asks which version the oldest nova-compute speaks (nova/compute/rpcapi.py, `_determine_version_cap`).
objects.Service(ctxt, host="bench", binary="nova-compute", topic="compute").create()
token = objects.ConsoleAuthToken(
    context=ctxt,
    console_type="novnc",
    host=host,
    port=int(port),
    internal_access_path=None,
    instance_uuid=instance.uuid,
    access_url_base=nova.conf.CONF.vnc.novncproxy_base_url,
).authorize(LIFE_SECONDS)
print(json.dumps({"token": token}))
