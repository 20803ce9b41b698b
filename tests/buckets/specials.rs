//! Faults that only buckets have: what the vendors' documents say of clocks, regions, rights, and
//! uploads. In all of them nothing is done of what was asked for.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the tests use of it what they need"
)]

use crate::fake::{Fault, Response, storage_error};

fn s3(status: u16, code: &str, message: &str, more: &str) -> Response {
    storage_error(status, code, message, more)
}

/// S3: the clock of this machine is off.
pub fn clock_off() -> Fault {
    let more = "<RequestTime>20261130T000000Z</RequestTime>\
        <ServerTime>2026-11-30T01:00:00Z</ServerTime>\
        <MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>";
    let message = "The difference between the request time and the current time is too large.";
    Fault::Instead(s3(403, "RequestTimeTooSkewed", message, more))
}

/// S3: the bucket is in `eu-west-1`, which is said with a redirection that leads nowhere.
pub fn moved_region() -> Fault {
    let more =
        "<Endpoint>recordings.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>recordings</Bucket>";
    let message = "The bucket you are attempting to access must be addressed using the specified \
        endpoint. Please send all future requests to this endpoint.";
    let answer = s3(301, "PermanentRedirect", message, more);
    Fault::Instead(answer.with("x-amz-bucket-region", "eu-west-1"))
}

/// S3: the signature is for another region than the bucket's.
pub fn wrong_region() -> Fault {
    let message = "The authorization header is malformed; the region 'us-east-1' is wrong; \
        expecting 'eu-west-1'";
    let more = "<Region>eu-west-1</Region>";
    let answer = s3(400, "AuthorizationHeaderMalformed", message, more);
    Fault::Instead(answer.with("x-amz-bucket-region", "eu-west-1"))
}

/// S3: the same to a HEAD, which has no body.
pub fn wrong_region_of_head() -> Fault {
    let mut answer = Response::nothing().with("x-amz-bucket-region", "eu-west-1");
    answer.status = 400;
    Fault::Instead(answer)
}

/// S3, and Google's in its words.
pub fn denied() -> Fault {
    Fault::Instead(s3(403, "AccessDenied", "Access Denied", ""))
}

pub fn no_bucket() -> Fault {
    let message = "The specified bucket does not exist";
    let more = "<BucketName>recordings</BucketName>";
    Fault::Instead(s3(404, "NoSuchBucket", message, more))
}

/// S3: temporary credentials are over.
pub fn token_expired() -> Fault {
    let message = "The provided token has expired.";
    Fault::Instead(s3(400, "ExpiredToken", message, ""))
}

/// S3: an object that has to be brought back from an archive first.
pub fn archived() -> Fault {
    let message = "The operation is not valid for the object's storage class";
    let more = "<StorageClass>GLACIER</StorageClass>";
    Fault::Instead(s3(403, "InvalidObjectState", message, more))
}

/// S3's `CompleteMultipartUpload`: 200 goes out before it is done, and then it fails.
pub fn error_in_200() -> Fault {
    let message = "We encountered an internal error. Please try again.";
    Fault::Instead(s3(200, "InternalError", message, ""))
}

/// S3: the upload is not there any more.
pub fn no_upload() -> Fault {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the \
        upload may have been aborted or completed.";
    Fault::Instead(s3(404, "NoSuchUpload", message, ""))
}

/// A conditional PUT: there is something by that name.
pub fn exists() -> Fault {
    let message = "At least one of the pre-conditions you specified did not hold";
    let more = "<Condition>If-None-Match</Condition>";
    Fault::Instead(s3(412, "PreconditionFailed", message, more))
}

/// S3's answer to a conditional PUT while another is under way.
pub fn conflict() -> Fault {
    let message = "The conditional request cannot succeed due to a conflicting operation against \
        this resource.";
    Fault::Instead(s3(409, "ConditionalRequestConflict", message, ""))
}

/// S3 is asked too often. Done by [`Fault::Refuse`] too, without `Retry-After`.
pub fn slow_down(retry_after: &str) -> Fault {
    let answer = s3(503, "SlowDown", "Please reduce your request rate.", "");
    Fault::Instead(answer.with("Retry-After", retry_after))
}

/// A redirection by any status, as S3's 307 to a bucket that is new.
pub fn redirect(status: u16, location: &str) -> Fault {
    let message = "Please re-send this request to the specified temporary endpoint.";
    let answer = s3(status, "TemporaryRedirect", message, "");
    Fault::Instead(answer.with("Location", location))
}

/// An error as Azure writes it.
pub fn azure(status: u16, code: &str, message: &str, more: &str) -> Response {
    let text = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code>\
         <Message>{message}\nRequestId:5eed0000-001e-0000-0000-000000000000\n\
         Time:2026-11-30T00:00:00.0000000Z</Message>{more}</Error>"
    );
    Response::xml(status, text)
        .with("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
        .with("x-ms-error-code", code)
}

/// Azure: the clock of this machine is off.
pub fn azure_clock_off() -> Fault {
    let message = "Server failed to authenticate the request. Make sure the value of \
        Authorization header is formed correctly including the signature.";
    let more = "<AuthenticationErrorDetail>Request date header too old: 'Mon, 30 Nov 2026 \
        00:00:00 GMT'</AuthenticationErrorDetail>";
    Fault::Instead(azure(403, "AuthenticationFailed", message, more))
}

/// Azure: the user may not do that.
pub fn azure_denied() -> Fault {
    let message = "This request is not authorized to perform this operation using this permission.";
    Fault::Instead(azure(403, "AuthorizationPermissionMismatch", message, ""))
}

pub fn azure_no_container() -> Fault {
    let message = "The specified container does not exist.";
    Fault::Instead(azure(404, "ContainerNotFound", message, ""))
}

/// Azure: there is a blob by that name.
pub fn azure_exists() -> Fault {
    let message = "The specified blob already exists.";
    Fault::Instead(azure(409, "BlobAlreadyExists", message, ""))
}

/// Azure: what is written to has a lease.
pub fn azure_leased() -> Fault {
    let message = "There is currently a lease on the blob and no lease ID was specified.";
    Fault::Instead(azure(412, "LeaseIdMissing", message, ""))
}

/// Azure: the blob has to be brought back first.
pub fn azure_archived() -> Fault {
    let message = "This operation is not permitted on an archived blob.";
    Fault::Instead(azure(409, "BlobArchived", message, ""))
}

pub fn azure_busy() -> Fault {
    let message = "The server is busy.";
    Fault::Instead(azure(503, "ServerBusy", message, ""))
}
