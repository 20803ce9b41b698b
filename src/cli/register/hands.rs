//! [`Hands`]: how something is changed at a provider: shown, asked, done, said.

use serde::Serialize;

use crate::api::{Api, Draft};
use crate::cli::args::Change;
use crate::cli::error::Failure;
use crate::cli::escape::{escape, json};
use crate::cli::exit::Code;
use crate::cli::printer::Printer;
use crate::job::register::{Plan, Prepared};

/// A request that is not sent.
#[derive(Serialize)]
struct Unsent {
    schema: u32,
    ok: bool,
    dry_run: bool,
    method: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<serde_json::Value>,
}

/// How something is changed.
pub(super) struct Hands<'a> {
    flags: &'a Change,
    printer: &'a Printer,
}

impl<'a> Hands<'a> {
    /// Those that may change something: nobody is asked anything before it is known that they may.
    pub(super) fn new(flags: &'a Change, printer: &'a Printer) -> Result<Self, Failure> {
        if flags.yes || flags.dry_run || printer.is_attended() {
            return Ok(Self { flags, printer });
        }
        Err(Failure::Usage(
            "this changes something at the provider, and there is no terminal to ask whether it may",
            "add --yes, or look first with --dry-run",
        ))
    }

    /// Shows what will change, asks, and has it done. `None` where it was only to be shown.
    pub(super) fn carry_out<P: Plan>(
        &self,
        prepared: Prepared<P>,
        api: &Api,
        preview: impl FnOnce(&P) -> Vec<String>,
    ) -> Result<Option<P::Done>, Failure> {
        let plan = match prepared {
            Prepared::InPlace(done) => return Ok(Some(done)),
            Prepared::Planned(plan) => plan,
        };
        let asks = !self.flags.yes && !self.flags.dry_run;
        self.printer.plan(preview(&plan), asks);
        if self.flags.dry_run {
            for draft in plan.drafts() {
                self.show(draft)?;
            }
            return Ok(None);
        }
        if asks && !self.printer.confirms("Go ahead? [y/N] ") {
            return Err(Failure::Misplaced(
                "nothing was changed".to_owned(),
                Code::Usage,
                "answer with yes, or pass --yes".to_owned(),
            ));
        }
        Ok(Some(plan.apply(api)?))
    }

    fn show(&self, draft: &Draft) -> Result<(), Failure> {
        let internal = |error: serde_json::Error| Failure::Internal(error.into());
        if self.flags.json {
            let body = draft.body().map(serde_json::to_value);
            let line = Unsent {
                schema: 1,
                ok: true,
                dry_run: true,
                method: draft.method(),
                url: draft.url(),
                body: body.transpose().map_err(internal)?,
            };
            let line = json(&line).map_err(internal)?;
            return self.printer.answered(self.printer.data(&line));
        }
        let body = draft.body().map(|body| body.to_string());
        let body = body.unwrap_or_default();
        let lines = body.lines().map(|line| format!("\n{}", escape(line)));
        let text = format!(
            "{} {}{}",
            draft.method(),
            draft.url(),
            lines.collect::<String>()
        );
        self.printer.answered(self.printer.data(&text))
    }
}

/// Prints a result: one line of JSON, or text for people.
pub(super) fn result(
    flags: &Change,
    printer: &Printer,
    line: &impl Serialize,
    text: &[String],
) -> Result<(), Failure> {
    if flags.json {
        let line = json(line).map_err(|error| Failure::Internal(error.into()))?;
        return printer.answered(printer.data(&line));
    }
    let text: Vec<_> = text.iter().map(|line| escape(line)).collect();
    printer.result(&text.join("\n"))
}

/// Prints what was asked for: it is data, also where only errors are wanted beside it.
pub(super) fn shown(
    as_json: bool,
    printer: &Printer,
    line: &impl Serialize,
    text: &[String],
) -> Result<(), Failure> {
    let text: Vec<_> = text.iter().map(|line| escape(line)).collect();
    let said = if as_json {
        let line = json(line).map_err(|error| Failure::Internal(error.into()))?;
        printer.data(&line)
    } else {
        printer.text(&text.join("\n"))
    };
    printer.answered(said)
}
