//! Faults that wait for their requests.

use super::{Fault, Request};

/// They, in the order in which they were said. Where several are for one request, the first holds.
#[derive(Default)]
pub struct Faults(Vec<Armed>);

struct Armed {
    place: String,
    fault: Fault,
    skip: usize,
    times: usize,
    used: bool,
}

impl Faults {
    /// The next `times` requests that `place` is a part of go wrong, after `skip` went well.
    pub fn arm(&mut self, place: &str, skip: usize, fault: Fault, times: usize) {
        self.0.push(Armed {
            place: place.to_owned(),
            fault,
            skip,
            times,
            used: false,
        });
    }

    /// The fault of this request, which reads `line`, if there is one.
    pub fn take(&mut self, line: &str, request: &Request) -> Option<Fault> {
        for armed in &mut self.0 {
            if armed.times == 0 || !line.contains(&armed.place) || !armed.fault.fits(request) {
                continue;
            }
            if armed.skip > 0 {
                armed.skip -= 1;
                continue;
            }
            armed.used = true;
            armed.times = match armed.times {
                usize::MAX => usize::MAX,
                times => times - 1,
            };
            return Some(armed.fault.clone());
        }
        None
    }

    /// Those that no request met.
    pub fn unmet(&self) -> Vec<String> {
        let unmet = self.0.iter().filter(|armed| !armed.used);
        unmet
            .map(|armed| format!("{} {:?}", armed.place, armed.fault))
            .collect()
    }

    /// From now on all goes well.
    pub fn mend(&mut self) {
        self.0.clear();
    }
}
