//! How urgent a call says that it is, found in its bytes without decoding it.
//!
//! Not here: whether that is true. What an agreement allows at most is admission's to say; and what
//! is malformed is found when the message is decoded, here it counts as an ordinary call.

use api::routes::Rpc;
use api::v1;
use exchange::Criticality;
use memchr::memmem;

use crate::method::{Door, Target};

/// The class that a call claims.
pub(crate) fn claimed(door: Door, target: Target, body: &[u8]) -> Criticality {
    let number = match (target, door) {
        // A citizen looks at their own list.
        (Target::Tracked(_), _) => return Criticality::CitizenWaiting,
        // Nobody waits for what a job asks.
        (Target::Rpc(Rpc::CreateBatchJob), _) => return Criticality::Bulk,
        (Target::Rpc(rpc), Door::Grpc) => path(rpc).and_then(|path| {
            let message = body.get(FRAME_HEAD_BYTES..)?;
            in_message(message, path)
        }),
        (Target::Rpc(_), Door::Rest) => in_json(body),
        _ => None,
    };
    match number.map(v1::Criticality::try_from) {
        Some(Ok(v1::Criticality::Emergency)) => Criticality::Emergency,
        Some(Ok(v1::Criticality::CitizenWaiting)) => Criticality::CitizenWaiting,
        Some(Ok(v1::Criticality::Bulk)) => Criticality::Bulk,
        Some(Ok(v1::Criticality::BackOffice | v1::Criticality::Unspecified) | Err(_)) | None => {
            Criticality::BackOffice
        }
    }
}

/// The fields that lead to the class in the message of a method, if it has a context.
const fn path(rpc: Rpc) -> Option<&'static [usize]> {
    match rpc {
        Rpc::LookupCitizen
        | Rpc::ResolveIdentifier
        | Rpc::VerifyAttributes
        | Rpc::SearchRecords
        | Rpc::EraseSubject
        | Rpc::ListMyAccesses => Some(&[CONTEXT, CRITICALITY]),
        Rpc::StreamCitizen => Some(&[LOOKUP, CONTEXT, CRITICALITY]),
        Rpc::ListFields
        | Rpc::ListPurposes
        | Rpc::ListGrants
        | Rpc::GetQuota
        | Rpc::GetInclusionProof
        | Rpc::GetConsistencyProof
        | Rpc::WatchCheckpoints
        | Rpc::CreateBatchJob
        | Rpc::GetBatchJob
        | Rpc::ListBatchJobResults
        | Rpc::CancelBatchJob => None,
    }
}

/// The number at the end of a path through a message of protobuf; the last one counts.
fn in_message(mut message: &[u8], path: &[usize]) -> Option<i32> {
    let (wanted, deeper) = path.split_first()?;
    let mut found = None;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let is_it = key >> 3 == *wanted;
        match key & 7 {
            0 => {
                let value = varint(&mut message)?;
                if is_it && deeper.is_empty() {
                    found = i32::try_from(value).ok();
                }
            }
            1 => message = message.get(8..)?,
            2 => {
                let length = varint(&mut message)?;
                let (inner, rest) = message.split_at_checked(length)?;
                if is_it && !deeper.is_empty() {
                    found = in_message(inner, deeper).or(found);
                }
                message = rest;
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    found
}

fn varint(bytes: &mut &[u8]) -> Option<usize> {
    prost::decode_length_delimiter(bytes).ok()
}

/// The value behind the last key of that name. Within a text its quotation marks would be escaped,
/// and no other member of the contract has this name.
fn in_json(body: &[u8]) -> Option<i32> {
    let key = memmem::rfind(body, KEY)?;
    let value = body.get(key + KEY.len()..)?.trim_ascii_start();
    let value = value.strip_prefix(b":")?.trim_ascii_start();
    match value.strip_prefix(b"\"") {
        Some(name) => {
            let length = name.iter().position(|byte| *byte == b'"')?;
            let name = str::from_utf8(name.get(..length)?).ok()?;
            v1::Criticality::from_str_name(name).map(i32::from)
        }
        None => match value {
            [digit @ b'0'..=b'9', ..] => Some(i32::from(digit - b'0')),
            _ => None,
        },
    }
}

/// What gRPC puts before a message.
const FRAME_HEAD_BYTES: usize = 5;
/// `StreamCitizenRequest.lookup`.
const LOOKUP: usize = 1;
/// `context` in every question.
const CONTEXT: usize = 1;
/// `CallContext.criticality`.
const CRITICALITY: usize = 8;
const KEY: &[u8] = b"\"criticality\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn question(class: i32) -> v1::LookupCitizenRequest {
        let context = v1::CallContext {
            request_id: "0190163d-8694-739b-aea5-966c26f8ad91".into(),
            purpose_code: "TAX_CHECK".into(),
            criticality: class,
            reason_text: "\"criticality\": \"CRITICALITY_EMERGENCY\"".into(),
            ..Default::default()
        };
        let subject = v1::SubjectRef {
            id: Some(v1::subject_ref::Id::PersonalId("999099000001".into())),
            ..Default::default()
        };
        v1::LookupCitizenRequest {
            context: Some(context),
            subject: Some(subject),
            ..Default::default()
        }
    }

    fn framed(message: &impl prost::Message) -> Vec<u8> {
        [&[0; FRAME_HEAD_BYTES][..], &message.encode_to_vec()].concat()
    }

    const CLAIMS: [(i32, Criticality); 6] = [
        (0, Criticality::BackOffice),
        (1, Criticality::Emergency),
        (2, Criticality::CitizenWaiting),
        (3, Criticality::BackOffice),
        (4, Criticality::Bulk),
        (77, Criticality::BackOffice),
    ];

    #[test]
    fn both_doors_find_the_class_of_every_question() {
        for (number, class) in CLAIMS {
            let lookup = question(number);
            let stream = v1::StreamCitizenRequest {
                lookup: Some(lookup.clone()),
            };
            for (rpc, body) in [
                (Rpc::LookupCitizen, framed(&lookup)),
                (Rpc::StreamCitizen, framed(&stream)),
            ] {
                let found = claimed(Door::Grpc, Target::Rpc(rpc), &body);
                assert_eq!(found, class, "{rpc:?} {number}");
            }
            if let Ok(json) = serde_json::to_vec_pretty(&lookup) {
                let found = claimed(Door::Rest, Target::Rpc(Rpc::LookupCitizen), &json);
                assert_eq!(found, class, "{number}");
            }
            let json = format!("{{\"context\":{{\"criticality\" : {number}}}}}");
            let found = claimed(Door::Rest, Target::Rpc(Rpc::LookupCitizen), json.as_bytes());
            let written = if number > 9 {
                Criticality::BackOffice
            } else {
                class
            };
            assert_eq!(found, written, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_ordinary_call() {
        let whole = framed(&question(1));
        for length in 0..whole.len() {
            claimed(
                Door::Grpc,
                Target::Rpc(Rpc::LookupCitizen),
                &whole[..length],
            );
        }
        for json in [
            "",
            "{",
            "\"criticality\"",
            "\"criticality\":",
            "\"criticality\":\"x",
        ] {
            let target = Target::Rpc(Rpc::LookupCitizen);
            let found = claimed(Door::Rest, target, json.as_bytes());
            assert_eq!(found, Criticality::BackOffice, "{json}");
        }
        let garbage = [0xff; 40];
        let found = claimed(Door::Grpc, Target::Rpc(Rpc::LookupCitizen), &garbage);
        assert_eq!(found, Criticality::BackOffice);
    }
}
