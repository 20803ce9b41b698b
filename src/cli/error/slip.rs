//! Words for an id that is none.

use crate::provider::{Other, Slip};

/// What ids there are.
const IDS: &str = "ids are RE, CA, CF, RT, CJ or RM and 32 hexadecimal digits, Vonage's UUIDs (8-4-4-4-12) \
                   and session ids (1_MX…, 2_MX…); else name a file, or a URL (https://…)";

/// What was meant, and what ids there are.
pub(in crate::cli) fn slip_hint(slip: &Slip) -> String {
    format!("{} ({IDS})", meant(slip))
}

fn meant(slip: &Slip) -> String {
    match slip {
        Slip::Almost(id) => format!("did you mean {id}?"),
        Slip::Within(id) => {
            format!("to fetch the recording, pass its id alone: {id}; else check the file's path")
        }
        Slip::Length(given, right) if given < right => {
            format!("it has {given} characters, and an id of this kind has {right}: copy it whole")
        }
        Slip::Length(given, right) => {
            format!("it has {given} characters, and an id of this kind has {right}: copy it alone")
        }
        Slip::Digits => "check its digits".to_owned(),
        Slip::Bare => {
            "32 hexadecimal digits are an id of Twilio's with RE, RT or CJ in front, and \
                       Vonage's with hyphens (8-4-4-4-12); a key belongs into a file"
                .to_owned()
        }
        Slip::Of(Other::Account) => "it is an account's: --all --account AC… takes all of its \
                                     recordings; a recording's begins with RE, RT or CJ"
            .to_owned(),
        Slip::Of(Other::PublicKey) => {
            "it is a public key's: the private key's file goes behind -k, \
                                       and a recording's id begins with RE, RT or CJ"
                .to_owned()
        }
        Slip::Of(Other::ApiKey) => "it is an API key's: that goes into TWILIO_API_KEY, and a \
                                    recording's id begins with RE, RT or CJ"
            .to_owned(),
        Slip::Of(Other::Something) => "a recording's id begins with RE, RT or CJ; that of a call, \
                                       conference or room (CA, CF, RM) stands for all of its own"
            .to_owned(),
        Slip::Example => {
            "put the recording's own id there: two letters and 32 hexadecimal digits".to_owned()
        }
    }
}
