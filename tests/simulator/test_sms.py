"""The SMS side of the simulator keeps the vendor's promises that the product relies on."""

import json
import time

import pytest

from sms import Sms, signature

ACCOUNT = {"secret_id": "AKID1", "secret_key": "k1", "sdk_app_id": "14", "sign_name": "名片", "template_id": "7"}
FIELDS = {
    "PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "14", "SignName": "名片", "TemplateId": "7",
    "TemplateParamSet": ["012345", "10"],
}  # fmt: skip
TYPE = "application/json; charset=utf-8"


@pytest.fixture
def sms():
    """A vendor that knows one account."""
    vendor = Sms()
    vendor.add_account(ACCOUNT)
    return vendor


def send(sms, change=None, key="k1", secret_id="AKID1", age=0, **headers):
    """The vendor's `Response` to a signed request; its status is always 200."""
    body, stamp = json.dumps({**FIELDS, **(change or {})}).encode(), int(time.time()) - age
    day = time.strftime("%Y-%m-%d", time.gmtime(stamp))
    sent = {"content-type": TYPE, "host": "sms.example", "x-tc-action": "SendSms", "x-tc-version": "2021-01-11",
            "x-tc-region": "ap-guangzhou", "x-tc-timestamp": str(stamp), **headers}
    signed = signature(key, sent, "content-type;host", body, day)
    credential = f"Credential={secret_id}/{day}/sms/tc3_request, SignedHeaders=content-type;host"
    status, answer = sms.send({**sent, "authorization": f"TC3-HMAC-SHA256 {credential}, Signature={signed}"}, body)
    assert status == 200
    return answer["Response"]


def test_a_signed_request_is_delivered_and_can_be_read(sms):
    answer = send(sms)
    assert [status["Code"] for status in answer["SendStatusSet"]] == ["Ok"]
    items = sms.read_sent({"phone": "+8613800138000"})["items"]
    assert [item["values"] for item in items] == [["012345", "10"]]
    assert sms.read_sent({"phone": "+8613800138001"})["items"] == []


def test_the_signature_is_the_one_that_the_client_of_the_product_makes():
    """The same known answer as in shared/wechat/src/sms.rs."""
    body = ('{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400000000","SignName":"名片",'
            '"TemplateId":"1000001","TemplateParamSet":["000007","10"]}').encode()
    headers = {"content-type": TYPE, "host": "sms.tencentcloudapi.com", "x-tc-timestamp": "1795233600"}
    made = signature("exampleSecretKey00000000000000000", headers, "content-type;host", body, "2026-11-21")
    assert made == "ff59bfeef810bae314205d5097a3dd4cda2493c02039fb28f1886896c5398c4c"


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"key": "k2"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKID2"}, "AuthFailure.SecretIdNotFound"),
        ({"age": 301}, "AuthFailure.SignatureExpire"),
        ({"x-tc-action": "DeleteSms"}, "InvalidAction"),
        ({"x-tc-region": ""}, "MissingParameter"),
        ({"change": {"SmsSdkAppId": "15"}}, "InvalidParameterValue.SdkAppIdNotExist"),
        ({"change": {"SignName": "别家"}}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"change": {"TemplateId": "8"}}, "FailedOperation.TemplateIncorrectOrUnapproved"),
        ({"change": {"TemplateParamSet": [1]}}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"change": {"PhoneNumberSet": []}}, "InvalidParameterValue.IncorrectPhoneNumber"),
    ],
)
def test_a_wrong_request_is_refused_as_a_whole_and_nothing_is_sent(sms, wrong, code):
    assert send(sms, **wrong)["Error"]["Code"] == code
    assert not sms.sent


def test_a_wrong_number_is_refused_by_itself(sms):
    answer = send(sms, {"PhoneNumberSet": ["13800138000", "+8613800138000"]})
    codes = [status["Code"] for status in answer["SendStatusSet"]]
    assert codes == ["InvalidParameterValue.IncorrectPhoneNumber", "Ok"]


def test_planned_faults_come_as_often_as_planned(sms):
    sms.add_fault({"code": "LimitExceeded.PhoneNumberDailyLimit", "times": 2})
    codes = [send(sms)["SendStatusSet"][0]["Code"] for _ in range(3)]
    assert codes == ["LimitExceeded.PhoneNumberDailyLimit"] * 2 + ["Ok"]
    sms.add_fault({"error": "InternalError"})
    assert send(sms)["Error"]["Code"] == "InternalError"
    sms.add_fault({"status": 502})
    assert sms.send({}, b"")[0] == 502
    assert len(sms.sent) == 1
