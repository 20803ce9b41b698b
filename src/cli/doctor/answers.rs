//! The known answers.

use super::super::error::sentence;
use super::super::exit::Code;
use super::super::units::{size, thousands};
use super::check::Check;
use crate::job::doctor::{Answer, Speed, known_answers};

/// One a wrap, a cipher and a derivation.
pub(super) fn checks() -> impl Iterator<Item = Check> {
    known_answers().map(|answer| of(&answer))
}

fn of(answer: &Answer) -> Check {
    let check = match &answer.result {
        Ok(speed) => Check::ok(answer.name, format!("{}  {}", rate(*speed), answer.backend))
            .with("per_second", speed.per_second)
            .with("unit", speed.unit)
            .with("threads", speed.threads),
        Err(wrong) => Check::failed(
            answer.name,
            format!("{}: {}", answer.origin, sentence(wrong)),
            Code::Internal,
            "decrypt nothing with this program on this machine: install it anew, then look at the \
             memory and the processor; please report it",
        ),
    };
    check
        .with("origin", answer.origin)
        .with("backend", answer.backend.as_str())
}

fn rate(speed: Speed) -> String {
    let rate = match speed.unit {
        "bytes" => format!("{}/s", size(speed.per_second)),
        _ => format!("{}/s", thousands(speed.per_second)),
    };
    let rate = match speed.threads {
        1 => rate,
        more => format!("{rate} ({more} threads)"),
    };
    format!("{rate:22}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::doctor::Wrong;

    #[test]
    fn a_wrong_answer_is_an_internal_error_whose_origin_is_named() {
        let check = of(&Answer {
            name: "aes-256-gcm",
            origin: "a book",
            backend: "AES-NI".to_owned(),
            result: Err(Wrong::Result),
        });
        assert_eq!(check.code(), Some(Code::Internal));
        let json = serde_json::to_string(&check).unwrap();
        assert!(
            json.contains(r#""state":"failed""#) && json.contains("a book: "),
            "{json}"
        );
        assert!(
            json.contains(r#""exit":1"#) && !json.contains("per_second"),
            "{json}"
        );
    }
}
