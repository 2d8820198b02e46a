import boto3
from botocore.stub import Stubber


def smoke():
    session = boto3.session.Session("key", "secret", region_name="eu-central-1")
    client = session.client("s3", endpoint_url="http://127.0.0.1:9")
    with Stubber(client) as stub:
        stub.add_response("list_buckets", {"Buckets": [{"Name": "mine"}]})
        assert client.list_buckets()["Buckets"][0]["Name"] == "mine"
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert "/b/k?" in url or "b.s3" in url
    resource = session.resource("sqs")
    assert "Queue" in dir(resource)
    try:
        client.get_object(Bucket="b")
    except client.exceptions.ClientError as error:
        raise AssertionError(error) from error
    except Exception as error:
        assert type(error).__name__ == "ParamValidationError", error
    return [session, client, resource]
