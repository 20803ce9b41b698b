#!/usr/bin/env python3
"""Holds the provider server of the tests against Twilio's own OpenAPI documents.

    .ci/openapi.py [--requests FILE] [FOLDER]

Starts `cargo run --example fake-provider`, fetches every kind of answer that the documents describe, and
checks each: every field of the schema is there and no other; types, enums, patterns, lengths and formats
hold; so do the addresses of pages. What is posted has to be taken where it is as the documents say, and
only there. The documents come from the npm package that twilio-cli reads them from, or lie in FOLDER.
Exit code 77: they cannot be had.

What `unreel register` would send to that server (--dry-run) is held against them, too.
With --requests, no server: FILE has the requests of a client, one JSON object a line, and each is held
against the documents: parameters and their names, which are required, types, patterns, lengths.

    {"method": "POST", "path": "/v1/Credentials/PublicKeys", "form": {"PublicKey": "…"}}

`form` may be a list of pairs, and be absent. Requests to other providers than Twilio are passed over.
"""

import argparse
import base64
import copy
import datetime
import email.utils
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request

PACKAGE = "@twilio/cli-core@9.0.0"
# By API: its document, where it is, and what the environment of the server calls that.
APIS = {
    "api": ("twilio_api_v2010.json", "https://api.twilio.com", "UNREEL_TWILIO_API_URL"),
    "video": ("twilio_video_v1.json", "https://video.twilio.com", "UNREEL_TWILIO_VIDEO_URL"),
    "accounts": ("twilio_accounts_v1.json", "https://accounts.twilio.com", "UNREEL_TWILIO_ACCOUNTS_URL"),
}
DOCUMENTS = [name for name, _, _ in APIS.values()]


def documents(folder):
    """The documents, by file name."""
    found = {}
    if folder:
        for name in DOCUMENTS:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name] = json.load(file)
        return found
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE]
        try:
            packed = subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"NOT TESTED: {PACKAGE} cannot be had: {error}")
            sys.exit(77)
        archive = packed.stdout.decode().split()[-1]
        with tarfile.open(os.path.join(scratch, archive)) as tar:
            for member in tar:
                name = os.path.basename(member.name)
                if name in DOCUMENTS:
                    found[name] = json.load(tar.extractfile(member))
    missing = [name for name in DOCUMENTS if name not in found]
    if missing:
        print(f"NOT TESTED: {PACKAGE} has no {', '.join(missing)}")
        sys.exit(77)
    return found


def is_rfc_2822(text):
    # Weekday, two digits of the day, GMT: as every example of the document has it.
    if not re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}", text):
        return False
    moment = email.utils.parsedate_to_datetime(text)
    return moment.strftime("%a") == text[:3]


def is_iso_8601(text):
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)) and bool(
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    )


def is_uri(text):
    return text.startswith("/") or bool(urllib.parse.urlsplit(text).netloc)


FORMATS = {
    "date-time-rfc-2822": is_rfc_2822,
    "date-time": is_iso_8601,
    "uri": is_uri,
    "currency": lambda text: bool(re.fullmatch(r"[A-Za-z]{3}", text)),
    "http-method": lambda text: text in ("GET", "POST"),
    "uri-map": lambda value: all(isinstance(link, str) and is_uri(link) for link in value.values()),
    "int64": lambda number: -(2**63) <= number < 2**63,
}

TYPES = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def faults(value, schema, document, where="$"):
    """What of a value does not hold."""
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from faults(value, target, document, where)
        return
    if value is None:
        if not schema.get("nullable"):
            yield f"{where}: null"
        return
    kind = schema.get("type")
    if kind and not TYPES[kind](value):
        yield f"{where}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} is not as {schema['pattern']}"
    if kind == "string" and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{where}: {value!r} is too short or too long"
    if kind == "integer" and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where}: {value} is too small or too large"
    form = schema.get("format")
    if form and form not in FORMATS:
        yield f"{where}: the format {form} is not known here"
    elif form and not FORMATS[form](value):
        yield f"{where}: {value!r} is no {form}"
    if "properties" in schema:
        for name in schema["properties"].keys() - value.keys():
            yield f"{where}: no {name}"
        for name in value.keys() - schema["properties"].keys():
            yield f"{where}: {name} is not in the document"
        for name in schema["properties"].keys() & value.keys():
            yield from faults(value[name], schema["properties"][name], document, f"{where}.{name}")
    if kind == "array":
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], document, f"{where}[{number}]")


def find(document, path):
    """The path of the document that this one is an instance of."""

    def fits(template):
        pattern = re.sub(r"\\\{\w+\\\}", r"[^/.]+", re.escape(template))
        return re.fullmatch(pattern, path)

    return next((template for template in document["paths"] if fits(template)), None)


def typed(text, schema):
    """What a text of a form or a query stands for; itself, where it stands for nothing of that type."""
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    # Of a list's filters, the descriptions take a day as well.
    if schema.get("format") == "date-time" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text + "T00:00:00Z"
    return text


def request_faults(document, method, target, form):
    """What of a request does not hold. The form is a list of pairs, empty where there is no body."""
    path, _, query = target.partition("?")
    template = find(document, path)
    operation = document["paths"].get(template, {}).get(method.lower())
    if operation is None:
        yield f"{method} {path}: not in the document"
        return
    here = f"{method} {template}"
    parameters = operation.get("parameters", [])
    in_path = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/.]+)", re.escape(template))
    for name, text in re.fullmatch(pattern, path).groupdict().items():
        yield from faults(text, in_path[name], document, f"{here} {name}")
    in_query = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    schema = body.get("schema", {})
    for kind, pairs, known in [
        ("query", urllib.parse.parse_qsl(query, keep_blank_values=True), in_query),
        ("form", form, schema.get("properties", {})),
    ]:
        seen = set()
        for name, text in pairs:
            if name not in known:
                yield f"{here}: {name} is no parameter of its {kind}"
                continue
            if name in seen and known[name].get("type") != "array":
                yield f"{here}: {name} is there twice"
            seen.add(name)
            one = known[name].get("items", known[name])
            yield from faults(typed(text, one), one, document, f"{here} {name}")
        if kind == "form":
            for name in schema.get("required", []):
                if name not in seen:
                    yield f"{here}: no {name}"


class Server:
    """The server, as a customer sees it."""

    def __enter__(self):
        command = ["cargo", "run", "--quiet", "--locked", "--example", "fake-provider"]
        # A session of its own: cargo is ended together with what it runs.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0)
        self.env = {}
        for line in self.process.stdout:
            if line.startswith("#"):
                break
            name, value = re.fullmatch(r"export (\w+)='(.*)'\n", line).groups()
            self.env[name] = value
        if not self.env:
            sys.exit("the server did not start")
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, 15)
        self.process.wait()

    def ask(self, method, base, target, form=None):
        """Status and body of an answer; None where there is no body."""
        pair = f"{self.env['TWILIO_API_KEY']}:{self.env['TWILIO_API_SECRET']}"
        token = base64.b64encode(pair.encode()).decode()
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        headers = {"Authorization": f"Basic {token}"}
        request = urllib.request.Request(self.env[base] + target, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None


class Check:
    def __init__(self, server, specs):
        self.server, self.specs = server, specs
        self.failures, self.answers, self.asked = [], 0, set()

    def get(self, api, target):
        """Fetches it, and holds it against the document."""
        return self.ask("GET", api, target)

    def ask(self, method, api, target, form=None):
        """Sends what is as the document says, and holds the answer against it."""
        name, _, base = APIS[api]
        document = self.specs[name]
        wrong = list(request_faults(document, method, target, list((form or {}).items())))
        if wrong:
            self.failures += [f"what is asked here is not right: {fault}" for fault in wrong]
            return None
        template = find(document, target.partition("?")[0])
        self.asked.add((name, template, method))
        responses = document["paths"][template][method.lower()]["responses"]
        status, value = self.server.ask(method, base, target, form)
        self.answers += 1
        if str(status) not in responses:
            self.failures.append(f"{method} {target}: {status}, not {', '.join(responses)}: {value}")
            return None
        content = responses[str(status)].get("content")
        if content is None:
            if value is not None:
                self.failures.append(f"{method} {target}: it has a body: {value}")
            return None
        schema = content["application/json"]["schema"]
        found = list(faults(value, schema, document))
        self.failures += [f"{method} {target}: {fault}" for fault in found]
        if not found:
            self.twist(value, schema, document, target)
        return value

    def post(self, api, target, form):
        """Posts all of a form, which has every parameter of the document; what is required alone and
        with each other parameter; and what is not to be taken. The answer to all of it."""
        name, _, base = APIS[api]
        document = self.specs[name]
        operation = document["paths"][find(document, target)]["post"]
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        for absent in schema["properties"].keys() - form.keys():
            self.failures.append(f"POST {target}: {absent} is not tried")
        required = {name: form[name] for name in schema.get("required", [])}
        self.ask("POST", api, target, required)
        for parameter in form:
            # Whether encryption needs a key is no matter of names.
            extra = {"EncryptionKeySid": form["EncryptionKeySid"]} if parameter == "EncryptionEnabled" else {}
            self.ask("POST", api, target, required | extra | {parameter: form[parameter]})
        wrong = [form | {"Undocumented": "x"}]
        wrong += [{key: value for key, value in form.items() if key != name} for name in required]
        for parameter, value in form.items():
            own = schema["properties"][parameter]
            if own.get("pattern") or own.get("type") == "boolean":
                wrong.append(form | {parameter: value[:-1] + "_"})
        for fields in wrong:
            if not list(request_faults(document, "POST", target, list(fields.items()))):
                self.failures.append(f"POST {target}: the check does not see what is wrong: {fields}")
            status, value = self.server.ask("POST", base, target, fields)
            if status != 400:
                self.failures.append(f"POST {target}: {status} to what is wrong: {fields}")
        return self.ask("POST", api, target, form)

    def twist(self, value, schema, document, target):
        """What is right and then made wrong has to be found."""
        changes = [lambda new, name: new.pop(name), lambda new, name: new.update({name + "_": 1})]
        changes.append(lambda new, name: new.update({name: object()}))
        for name in value:
            for change in changes:
                new = copy.deepcopy(value)
                change(new, name)
                loose = name in ("encryption_details", "grouping_sids", "video_layout") and change is changes[2]
                if not loose and not list(faults(new, schema, document)):
                    self.failures.append(f"{target}: the check does not see a wrong {name}")

    def pages(self, api, target, key):
        """All of a list, two a page."""
        items, seen = [], set()
        while target:
            if target in seen:
                self.failures.append(f"{target}: it comes again")
                break
            seen.add(target)
            page = self.get(api, target)
            if page is None:
                break
            items += page[key]
            target = page["next_page_uri"] if api == "api" else page["meta"]["next_page_url"]
            if api != "api" and target:
                host = APIS[api][1]
                if not target.startswith(host + "/"):
                    self.failures.append(f"{target}: not at {host}")
                target = target.removeprefix(host)
        return items

    def registering(self):
        """Keys, and what they are for. What is registered is kept: recordings are encrypted for it."""
        keys = "/v1/Credentials/PublicKeys"
        with open("fixtures/keys/public.pem", encoding="ascii") as file:
            pem = file.read()
        form = {"PublicKey": pem, "FriendlyName": "a name", "AccountSid": self.server.env["TWILIO_ACCOUNT_SID"]}
        sid = (self.post("accounts", keys, form) or {}).get("sid")
        if sid is None:
            return
        self.post("accounts", f"{keys}/{sid}", {"FriendlyName": "another name"})
        for item in self.pages("accounts", f"{keys}?PageSize=1", "credentials"):
            self.get("accounts", f"{keys}/{item['sid']}")
            if item["sid"] != sid:
                self.ask("DELETE", "accounts", f"{keys}/{item['sid']}")
        form = {
            "FriendlyName": "a name",
            "AwsCredentialsSid": "CR5eed00000000000000000000000000ff",
            "EncryptionKeySid": sid,
            "AwsS3Url": "https://bucket.s3.amazonaws.com/folder/",
            "AwsStorageEnabled": "true",
            "EncryptionEnabled": "true",
        }
        for kind in ("Recording", "Composition"):
            self.post("video", f"/v1/{kind}Settings/Default", form)
            self.get("video", f"/v1/{kind}Settings/Default")

    def run(self):
        self.registering()
        account = f"/2010-04-01/Accounts/{self.server.env['TWILIO_ACCOUNT_SID']}"
        everything = self.pages("api", f"{account}/Recordings.json?PageSize=2&IncludeSoftDeleted=true", "recordings")
        groups = {("Calls", item["call_sid"]) for item in everything}
        groups |= {("Conferences", item["conference_sid"]) for item in everything if item["conference_sid"]}
        for item in everything:
            self.get("api", f"{account}/Recordings/{item['sid']}.json?IncludeSoftDeleted=true")
        for kind, group in sorted(groups):
            for item in self.pages("api", f"{account}/{kind}/{group}/Recordings.json?PageSize=2", "recordings"):
                self.get("api", f"{account}/{kind}/{group}/Recordings/{item['sid']}.json")
        # A conference's only recording is a deleted one, and its list does not show those.
        for item in everything:
            if item["conference_sid"] and item["status"] != "deleted":
                break
        else:
            self.failures.append("no conference has a recording to be seen")
        days = "DateCreated%3E=2026-09-01&DateCreated%3C=2026-09-01"
        self.get("api", f"{account}/Recordings.json?{days}&PageSize=1000")
        self.get("api", f"{account}/Recordings.json?DateCreated=1999-01-01")

        for kind in ("Recordings", "Compositions"):
            items = self.pages("video", f"/v1/{kind}?PageSize=1", kind.lower())
            for item in items:
                self.get("video", f"/v1/{kind}/{item['sid']}")
            self.get("video", f"/v1/{kind}?Status=processing&DateCreatedAfter=2026-01-01T00:00:00Z")
            rooms = {item.get("room_sid") or item["grouping_sids"]["room_sid"] for item in items}
            for room in sorted(rooms):
                self.get("video", f"/v1/Rooms/{room}")
                for item in self.pages("video", f"/v1/Rooms/{room}/Recordings?PageSize=1", "recordings"):
                    self.get("video", f"/v1/Rooms/{room}/Recordings/{item['sid']}")
        self.covered()

    def covered(self):
        """Whether everything about recordings and keys was asked for that the documents have."""
        read = re.compile(r"(/(Calls|Conferences)/\{\w+\})?/Recordings(/\{Sid\})?\.json$|^/v1/(Recordings|Compositions)"
                          r"(/\{Sid\})?$|^/v1/Rooms/(\{Sid\}|\{RoomSid\}/Recordings(/\{Sid\})?)$")
        changed = re.compile(r"^/v1/((Recording|Composition)Settings/Default|Credentials/PublicKeys(/\{Sid\})?)$")
        for name, document in self.specs.items():
            for template, operations in document["paths"].items():
                methods = []
                if read.search(template):
                    methods = ["GET"]
                elif changed.search(template):
                    methods = ["GET", "POST", "DELETE"]
                for method in methods:
                    if method.lower() in operations and (name, template, method) not in self.asked:
                        self.failures.append(f"{method} {template}: not asked for")


def recorded(file, specs):
    """Holds a client's requests against the documents: what does not hold, and how many there were."""
    failures, count = [], 0
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        request = json.loads(line)
        method, path = request["method"], request["path"]
        if path.startswith(("/v2/project/", "/api/")):
            continue
        count += 1
        form = request.get("form") or []
        pairs = list(form.items()) if isinstance(form, dict) else [tuple(pair) for pair in form]
        bare = path.partition("?")[0]
        document = next((each for each in specs.values() if find(each, bare)), None)
        if document is None:
            failures.append(f"line {number}: {path} is in no document")
            continue
        failures += [f"line {number}: {fault}" for fault in request_faults(document, method, path, pairs)]
    return failures, count


def program():
    """The path of `unreel`, built together with an example: by itself its dependencies would be compiled anew,
    without what the tests' ones have."""
    command = ["cargo", "build", "--quiet", "--locked", "--bin", "unreel", "--example", "fake-provider"]
    command.append("--message-format=json")
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [each for each in map(json.loads, lines) if each.get("executable")]
    return next(each["executable"] for each in built if each["target"]["kind"] == ["bin"])


def of_the_client(server):
    """The requests that `unreel register` would change something with at Twilio, as lines of JSON."""
    path = program()
    with tempfile.TemporaryDirectory() as folder:
        def unreel(*arguments):
            run = subprocess.run([path, *arguments], env=os.environ | server.env, check=True, capture_output=True, text=True)
            return run.stdout

        unreel("keygen", "-d", folder, "--no-passphrase")
        key = ["register", "twilio", "--public-key", f"{folder}/public_key.pem"]
        sid = json.loads(unreel(*key, "--yes", "--json"))["sid"]
        unreel("register", "twilio", "--delete", sid, "--yes")
        other = "CR" + 32 * "0"
        dry = ["--dry-run", "--json"]
        video = ["register", "twilio-video", "--recordings", "--compositions", "--public-key-sid", other]
        lines = unreel(*key, *dry) + unreel(*key, "--name", "a name", *dry) + unreel(*video, *dry)
    requests = []
    for line in lines.splitlines():
        said = json.loads(line)
        path = urllib.parse.urlsplit(said["url"]).path
        requests.append(json.dumps({"method": said["method"], "path": path, "form": said["body"]}))
    return requests


def main():
    parser = argparse.ArgumentParser(description="Holds the tests' provider server against Twilio's documents.")
    parser.add_argument("--requests", metavar="FILE", type=argparse.FileType(encoding="utf-8"))
    parser.add_argument("folder", nargs="?", help="where the documents lie")
    arguments = parser.parse_args()
    specs = documents(arguments.folder)
    if arguments.requests:
        failures, count = recorded(arguments.requests, specs)
        said = f"{count} requests"
        if count == 0:
            failures.append("no request of Twilio's is there")
    else:
        os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
        with Server() as server:
            check = Check(server, specs)
            check.run()
            found, count = recorded(of_the_client(server), specs)
        failures = check.failures + found
        if count != 4:
            failures.append(f"{count} requests of unreel's, not 4")
        said = f"{check.answers} answers of {len(check.asked)} kinds, {count} requests"
    for failure in failures:
        print(failure)
    print(f"{said}, {len(failures)} faults")
    sys.exit(bool(failures))


main()
