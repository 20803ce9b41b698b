//! RIFF/WAVE files whose writers could not seek back, or write more than 4 GiB.

use super::super::wav::{Layout, is, is_placeholder};

/// A size that nobody knows, as ffmpeg writes it and symphonia reads it: the data goes to the end.
const OPEN: [u8; 4] = [0xFF; 4];

/// Makes of RF64 what reads as RIFF, and of every size that stands for none [`OPEN`]. How long the
/// file says it is does not matter: its chunks say that, too.
pub(super) fn mend(head: &mut [u8]) {
    if !is(head) {
        return;
    }
    let Layout { format, data, .. } = Layout::of(head);
    put(head, 0, *b"RIFF");
    put(head, 4, OPEN);
    let byte_rate = format.map_or(0, |format| format.byte_rate());
    if let Some((size, body)) = data
        && is_placeholder(size, byte_rate)
    {
        put(head, body - OPEN.len(), OPEN);
    }
}

fn put(head: &mut [u8], at: usize, bytes: [u8; 4]) {
    if let Some(place) = head.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = bytes;
    }
}
