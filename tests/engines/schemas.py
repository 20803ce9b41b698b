#!/usr/bin/env python3
"""Checks examples/engines against what the engines' own clients know of them.

schemas.py TOOLS kubernetes FILE: against the models of the Python client of Kubernetes; a field that they do not
have, lack, or have of another type is an error. Prints the file as JSON.
schemas.py TOOLS batch OPERATION: JSON on standard input, against the model of AWS Batch that boto has.
TOOLS is where `.ci/run` installs them.
"""

import json
import re
import sys
import types


def kubernetes(path):
    import yaml

    # Not the package's own start, which imports what only a cluster needs.
    package = types.ModuleType("kubernetes")
    package.__path__ = [f"{sys.argv[1]}/engines/kubernetes"]
    sys.modules["kubernetes"] = package
    import kubernetes.client as client

    scalars = {"str": str, "int": int, "bool": bool}

    def check(value, kind, at):
        if inner := re.fullmatch(r"list\[(.*)\]", kind):
            assert isinstance(value, list), f"{at} is no list"
            return [check(item, inner[1], f"{at}[]") for item in value]
        if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
            assert isinstance(value, dict), f"{at} is no object"
            return {name: check(item, inner[1], f"{at}.{name}") for name, item in value.items()}
        if kind in scalars:
            assert type(value) is scalars[kind], f"{at} is no {kind}: {value!r}"
            return value
        model = getattr(client, kind)
        names = {wire: name for name, wire in model.attribute_map.items()}
        fields = {}
        for wire, item in value.items():
            assert wire in names, f"{at} has no field {wire}"
            fields[names[wire]] = check(item, model.openapi_types[names[wire]], f"{at}.{wire}")
        # Fails where a field is missing that has to be there.
        return model(**fields)

    with open(path) as file:
        job = yaml.safe_load(file)
    check(job, "V1Job", "job")
    print(json.dumps(job))


def batch(operation):
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.get_session().get_service_model("batch")
    shape = service.operation_model(operation).input_shape
    value = json.load(sys.stdin)
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()


if __name__ == "__main__":
    sys.path[:0] = [f"{sys.argv[1]}/engines", f"{sys.argv[1]}/python"]
    {"kubernetes": kubernetes, "batch": batch}[sys.argv[2]](sys.argv[3])
