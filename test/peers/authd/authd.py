"""
An ESXi host's authd, and a machine's mks behind it: `authd.py JSON`, which prints its port. There is no ESXi to be had, and no document of
VMware's that says what its authd speaks. So this is written from the one program that is known to get through it, VMware's own for Nova:

[nova-mksproxy] openstack-archive/nova-mksproxy, novaproxy/authd.py, `handshake`: a line 220; TLS; USER ticket, 331; PASS ticket, 230; THUMBPRINT
  nonce, 200 and the thumbprint of another certificate behind it; CONNECT file mks, 200. `ssl.wrap_socket` of a socket that has TLS takes the file
  descriptor under it, so the second TLS is not within the first: it begins on the bare connection. Then comes the nonce, and the rest is piped.
[welcome] nmap, scripts/vmauthd-brute.nse: how the welcome and the answers to USER and PASS read.
[FTP] RFC 959 4.2: the statuses, and 530 for whoever is not logged in.

What is piped to is a real VNC server, since what an mks says begins as RFB does. Node has no way to take TLS off a connection, Python has.

JSON: cert and key (PEM files) of authd, machineCert and machineKey of the mks, thumbprint (what is said of that), ticket, cfgFile, vnc [host, port],
and `trouble`, what is done otherwise. What it was told, and whether by TLS, is printed a line each.
"""
import hashlib
import json
import socket
import ssl
import sys
import threading

config = json.loads(sys.argv[1])
trouble = config.get("trouble")


def context(cert, key):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(cert, key)
    return made


AUTHD = context(config["cert"], config["key"])
MACHINE = context(config["machineCert"], config["machineKey"])
spent = set()


def tell(line):
    print(line, flush=True)


def thumbprint():
    with open(config["machineCert"]) as pem:
        der = ssl.PEM_cert_to_DER_cert(pem.read())
    digits = hashlib.sha1(der).hexdigest().upper()
    return ":".join(digits[at:at + 2] for at in range(0, 40, 2))


def line_of(connection):
    said = b""
    while not said.endswith(b"\n"):
        byte = connection.recv(1)
        if byte == b"":
            raise EOFError
        said += byte
    return said.decode().rstrip("\r\n")


def serve(bare):
    if trouble == "garbage":
        bare.sendall(b"RFB 003.008\n")
    elif trouble == "endless":
        while True:
            bare.sendall(b"2" * 65536)
    elif trouble == "silent":
        pass
    elif trouble == "busy":
        bare.sendall(b"421 Service not available.\r\n")
    else:
        bare.sendall(
            b"220 VMware Authentication Daemon Version 1.10: SSL Required, ServerDaemonProtocol:SOAP, "
            b"MKSDisplayProtocol:VNC , , NFCSSL supported\r\n"
        )
    if trouble == "no TLS":
        bare.sendall(b"331 who needs TLS\r\n")
    connection = AUTHD.wrap_socket(bare, server_side=True)
    while True:
        said = line_of(connection)
        tell(f"TLS: {said}")
        command, _, rest = said.partition(" ")
        if trouble == f"hangs up at {command}":
            connection.close()
            return
        if trouble == f"refuses {command}":
            connection.sendall(b"550 No, %s.\r\n" % rest.encode())
        elif command == "USER":
            connection.sendall(f"331 Password required for {rest}.\r\n".encode())
        elif command == "PASS":
            good = rest == config["ticket"] and rest not in spent
            spent.add(rest)
            answer = f"230 User {rest} logged in." if good else f"530 User {rest} is not logged in."
            connection.sendall(f"{answer}\r\n".encode())
        elif command == "THUMBPRINT":
            nonce = rest
            said_of_it = config.get("thumbprint") or thumbprint()
            connection.sendall(f"200 {said_of_it}\r\n".encode())
        elif command == "CONNECT":
            if rest != f"{config['cfgFile']} mks":
                connection.sendall(b"550 No such machine.\r\n")
                continue
            connection.sendall(b"200 Connect Global\\handle\r\n")
            hand_over(connection, nonce)
            return


def hand_over(connection, nonce):
    """The machine's process has the connection from here on, and knows nothing of authd's TLS."""
    bare = socket.socket(fileno=connection.detach())
    machine = MACHINE.wrap_socket(bare, server_side=True)
    said = b""
    while len(said) < len(nonce):
        chunk = machine.recv(len(nonce) - len(said))
        if chunk == b"":
            raise EOFError
        said += chunk
    tell(f"mks: {'the nonce' if said.decode() == nonce else 'another nonce'}")
    if trouble == "hangs up at last":
        machine.close()
        return
    vnc = socket.create_connection(tuple(config["vnc"]))
    threading.Thread(target=pipe, args=(vnc, machine), daemon=True).start()
    pipe(machine, vnc)


def pipe(one, other):
    try:
        while chunk := one.recv(65536):
            other.sendall(chunk)
    except OSError:
        pass
    finally:
        for each in (one, other):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def guarded(bare):
    try:
        serve(bare)
    except (EOFError, OSError) as error:
        tell(f"ended: {type(error).__name__}")
    finally:
        bare.close()


listener = socket.create_server(("127.0.0.1", 0))
tell(listener.getsockname()[1])
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=guarded, args=(accepted,), daemon=True).start()
