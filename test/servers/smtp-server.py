"""A mail server for tests, on aiosmtpd: keeps every message it takes as a file, and misbehaves as `control.json` says.

Arguments: one JSON object: port, folder, user and password (login needed), certificate and key, tls (none, starttls, implicit).
`control.json` in the folder: {"at": "mail" | "rcpt" | "data", "answer": "451 …", "times": 2, "only": "a part of a recipient"}, or
{"drop": "before" | "after", "times": 1} (the connection is cut before or after the message is kept, never with an answer), or
{"hold_s": 2} (the message is kept at once and the answer comes later).
"""
import asyncio, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])
folder = options["folder"]
control_path = os.path.join(folder, "control.json")
kept = 0


def control(want):
    """What to do now, and one time less of it."""
    try:
        with open(control_path) as f:
            c = json.load(f)
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if not want(c):
        return None
    if "times" in c:
        if c["times"] <= 0:
            return None
        c["times"] -= 1
        with open(control_path + ".new", "w") as f:
            json.dump(c, f)
        os.replace(control_path + ".new", control_path)
    return c


def keep(envelope):
    global kept
    kept += 1
    path = os.path.join(folder, f"{kept:06d}.json")
    text = envelope.content.decode("utf-8", "surrogateescape")
    with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as f:
        json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": text}, f)
    os.replace(path + ".new", path)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        c = control(lambda c: c.get("at") == "mail")
        if c:
            return c["answer"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        c = control(lambda c: c.get("at") == "rcpt" and c.get("only", "") in address)
        if c:
            return c["answer"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        c = control(lambda c: c.get("at") == "data" or "drop" in c or "hold_s" in c) or {}
        if "answer" in c:
            return c["answer"]
        if c.get("drop") != "before":
            keep(envelope)
        if "drop" in c:
            server.transport.abort()
        if "hold_s" in c:
            await asyncio.sleep(c["hold_s"])
        return "250 OK kept"


def authenticator(server, session, envelope, mechanism, data):
    expected = (options["user"].encode(), options["password"].encode())
    return AuthResult(success=(data.login, data.password) == expected, handled=False)


async def main():
    context = None
    if options.get("certificate"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"], options["key"])
    tls = options.get("tls", "none")
    login = options.get("user") is not None

    def protocol():
        return SMTP(
            Handler(),
            hostname="localhost",
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=authenticator if login else None,
            auth_required=login,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", options["port"], ssl=context if tls == "implicit" else None
    )
    await server.serve_forever()


asyncio.run(main())
