"""The template that CloudFormation gets: assembled, and transformed by SAM."""

import copy
import logging
import os

REGION = "ap-southeast-1"  # a long name: sizes are at their largest


class NoManagedPolicies:
    """The template names no managed policy."""

    @staticmethod
    def load():
        """None."""
        return {}


def transformed(source, **parameters):
    """The transformed template, for these parameters and the defaults of the others."""
    from samtranslator.translator.transform import transform

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # SAM asks boto3 for a region
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # As `sam deploy` sends it: with the code in S3.
            key = "mingpian-prod/" + 32 * "0"
            resource["Properties"]["CodeUri"] = {"Bucket": "aws-sam-cli-managed-default-samclisourcebucket", "Key": key}
    return transform(template, {"AWS::Region": REGION, "AWS::Partition": "aws", **parameters}, NoManagedPolicies())
