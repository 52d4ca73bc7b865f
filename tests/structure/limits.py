"""How far a transformed template is from AWS's limits. Sizes are those of the values in prod:
references are replaced by texts as long as real ones."""

import json
import re

from sam import REGION

ACCOUNT = "123456789012"
STACK = "mingpian-prod"
PSEUDO = {
    "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}  # fmt: skip
# Two Ed25519 keys as a JWK set have about 300 bytes; the store of the parameter allows 4,096.
LONG_PARAMETERS = {"TokenVerificationKeys": "k" * 512}


class Values:
    """Replaces intrinsic functions by the texts that they resolve to."""

    def __init__(self, template, parameters):
        self.template = template
        declared = template.get("Parameters", {})
        defaults = {name: str(found.get("Default", "")) for name, found in declared.items()}
        self.parameters = {**defaults, **parameters, **LONG_PARAMETERS}

    def of(self, value):
        """The value as it is sent to AWS."""
        if isinstance(value, list):
            return [self.of(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref":
                return self.reference(argument)
            if name.startswith("Fn::"):
                return getattr(self, name.removeprefix("Fn::").lower())(argument)
        return {key: self.of(inner) for key, inner in value.items()}

    def reference(self, name):
        """A parameter's value, or the identifier of a resource."""
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        resource = self.template["Resources"][name]
        properties, kind = resource["Properties"], resource["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.of(properties['QueueName'])}"
        if kind == "AWS::Lambda::Function":
            return self.of(properties["FunctionName"])
        if kind == "AWS::Lambda::Alias":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.of(properties['FunctionName'])}:live"
        if kind == "AWS::ApiGatewayV2::Api":
            return "a1b2c3d4e5"
        return f"{STACK}-{name}-1A2B3C4D5E6F7"

    def getatt(self, argument):
        """An ARN, or another text of an attribute."""
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        resource = self.template["Resources"][name]
        if resource["Type"] == "AWS::Logs::LogGroup":
            own = "log-group:" + self.of(resource["Properties"]["LogGroupName"]) + ":*"
        else:
            own = self.reference(name).rsplit("/", 1)[-1]
        service = resource["Type"].split("::")[1].lower()
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{own}" if attribute == "Arn" else own

    def sub(self, argument):
        """A text with its variables filled in."""
        text, own = argument if isinstance(argument, list) else (argument, {})

        def filled(found):
            name = found[1]
            if name in own:
                return str(self.of(own[name]))
            return str(self.getatt(name) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^}!]+)\}", filled, text)

    def findinmap(self, argument):
        """A value of a mapping."""
        first, second, third = (self.of(inner) for inner in argument)
        return self.template["Mappings"][first][second][third]

    def join(self, argument):
        """Joined texts."""
        return str(self.of(argument[0])).join(str(self.of(inner)) for inner in argument[1])

    def _either(self, argument):
        """The longer one: the limit holds for both."""
        return max((self.of(inner) for inner in argument[1:]), key=lambda inner: len(str(inner)))


setattr(Values, "if", Values._either)


def compact(value):
    """JSON without a space, as AWS counts it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def alias_policies(template, values):
    """Alias -> bytes of the policy that its permissions make."""
    statements = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Permission":
            properties = values.of(resource["Properties"])
            target = properties["FunctionName"]
            statement = {
                "Sid": f"{STACK}-{name}-1A2B3C4D5E6F", "Effect": "Allow",
                "Principal": {"Service": properties["Principal"]}, "Action": properties["Action"], "Resource": target,
            }  # fmt: skip
            if "SourceArn" in properties:
                statement["Condition"] = {"ArnLike": {"AWS:SourceArn": properties["SourceArn"]}}
            statements.setdefault(target, []).append(statement)
    envelope = {"Version": "2012-10-17", "Id": "default"}
    return {target: len(compact({**envelope, "Statement": found}).encode()) for target, found in statements.items()}


def measured(source, template, parameters):
    """Limit -> (AWS's figure, ours), of the template as sent and as transformed by SAM."""
    values = Values(template, parameters)
    resources = template["Resources"]
    of_type = {}
    for name, resource in resources.items():
        of_type.setdefault(resource["Type"], {})[name] = resource["Properties"]
    body = resources["Api"]["Properties"]["Body"]
    roles = [sum(len(compact(policy["PolicyDocument"])) for policy in values.of(role.get("Policies", [])))
             for role in of_type["AWS::IAM::Role"].values()]  # fmt: skip
    environments = [values.of(function.get("Environment", {}).get("Variables", {}))
                    for function in of_type["AWS::Lambda::Function"].values()]  # fmt: skip
    environment = max(sum(len(f"{name}{value}".encode()) for name, value in found.items()) for found in environments)
    widgets = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    lines = [len(widget["properties"]["metrics"]) for widget in widgets]
    queues = [len(compact(values.of(policy["PolicyDocument"]))) for policy in of_type["AWS::SQS::QueuePolicy"].values()]
    stages = [found for found in of_type["AWS::ApiGatewayV2::Stage"].values() if "AccessLogSettings" in found]
    return {
        "policy of a function's alias, bytes": (20_480, max(alias_policies(template, values).values())),
        "resources of the stack": (500, len(resources)),
        "integrations of the HTTP API": (300, len(body["components"]["x-amazon-apigateway-integrations"])),
        "routes of the HTTP API": (300, sum(len(methods) for methods in body["paths"].values())),
        "template, bytes": (1_048_576, max(len(json.dumps(found).encode()) for found in (source, template))),
        "inline policies of a role, characters": (10_240, max(roles)),
        "environment of a function, bytes": (4_096, environment),
        "outputs of the stack": (200, len(template["Outputs"])),
        "parameters of the stack": (200, len(template["Parameters"])),
        "mappings of the stack": (200, len(template["Mappings"])),
        "metrics of a dashboard": (2_500, sum(lines)),
        "metrics of a widget": (500, max(lines)),
        "policy of a queue, bytes": (8_192, max(queues)),
        "access log format, bytes": (3_072, max(len(found["AccessLogSettings"]["Format"]) for found in stages)),
        "rules of the event bus": (300, len(of_type.get("AWS::Events::Rule", {}))),
        "deployment groups of an application": (1_000, len(of_type.get("AWS::CodeDeploy::DeploymentGroup", {}))),
    }
