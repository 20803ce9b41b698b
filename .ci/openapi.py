#!/usr/bin/env python3
"""Holds the provider server of the tests against Twilio's own OpenAPI documents.

    .ci/openapi.py [FOLDER]

Starts `cargo run --example fake-provider`, fetches every kind of answer that the documents describe, and
checks each: every field of the schema is there and no other; types, enums, patterns, lengths and formats
hold; so do the addresses of pages. The documents come from the npm package that twilio-cli reads them
from, or lie in FOLDER. Exit code 77: they cannot be had.
"""

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
DOCUMENTS = ["twilio_api_v2010.json", "twilio_video_v1.json"]


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

    def get(self, base, target):
        pair = f"{self.env['TWILIO_API_KEY']}:{self.env['TWILIO_API_SECRET']}"
        token = base64.b64encode(pair.encode()).decode()
        request = urllib.request.Request(self.env[base] + target, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


class Check:
    def __init__(self, server, specs):
        self.server, self.specs = server, specs
        self.failures, self.answers, self.asked = [], 0, set()

    def get(self, api, target):
        """Fetches it, and holds it against the document."""
        name, base = {
            "api": ("twilio_api_v2010.json", "UNREEL_TWILIO_API_URL"),
            "video": ("twilio_video_v1.json", "UNREEL_TWILIO_VIDEO_URL"),
        }[api]
        document = self.specs[name]
        path, _, query = target.partition("?")
        template = self.template(document, path)
        if template is None:
            self.failures.append(f"{target}: not in the document")
            return None
        self.asked.add((name, template))
        operation = document["paths"][template]["get"]
        known = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        for field, _ in urllib.parse.parse_qsl(query):
            if field not in known:
                self.failures.append(f"{target}: {field} is no parameter of it")
        value = self.server.get(base, target)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        found = list(faults(value, schema, document))
        self.failures += [f"{target}: {fault}" for fault in found]
        self.answers += 1
        if not found:
            self.twist(value, schema, document, target)
        return value

    @staticmethod
    def template(document, path):
        def fits(template):
            pattern = re.sub(r"\\\{\w+\\\}", r"[^/.]+", re.escape(template))
            return re.fullmatch(pattern, path)

        return next((template for template in document["paths"] if fits(template)), None)

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
            if api == "video" and target:
                host = "https://video.twilio.com"
                if not target.startswith(host + "/"):
                    self.failures.append(f"{target}: not at {host}")
                target = target.removeprefix(host)
        return items

    def run(self):
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
        """Whether everything about recordings was asked for that the documents have."""
        about = re.compile(r"(/(Calls|Conferences)/\{\w+\})?/Recordings(/\{Sid\})?\.json$|^/v1/(Recordings|Compositions)"
                           r"(/\{Sid\})?$|^/v1/Rooms/(\{Sid\}|\{RoomSid\}/Recordings(/\{Sid\})?)$")
        for name, document in self.specs.items():
            for template, operations in document["paths"].items():
                if "get" in operations and about.search(template) and (name, template) not in self.asked:
                    self.failures.append(f"{template}: not asked for")


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    specs = documents(sys.argv[1] if len(sys.argv) > 1 else None)
    with Server() as server:
        check = Check(server, specs)
        check.run()
    for failure in check.failures:
        print(failure)
    print(f"{check.answers} answers of {len(check.asked)} kinds, {len(check.failures)} faults")
    sys.exit(bool(check.failures))


main()
