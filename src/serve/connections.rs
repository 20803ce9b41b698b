//! [`Connections`]: who is connected, how many from where, and who has to go where there are too many.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::cipher::lock;

/// All connections, and how many there may be.
pub(super) struct Connections {
    most: usize,
    of_address: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
    /// Those that have no request: whether there was one before, since when in turn; and which one.
    waiting: BTreeMap<(bool, u64), u64>,
    addresses: HashMap<IpAddr, usize>,
}

struct Entry {
    address: Option<IpAddr>,
    waits: Option<(bool, u64)>,
    turns: Arc<Turns>,
}

/// What a connection does: requests that came, and those that are being answered.
#[derive(Default)]
pub(super) struct Turns {
    came: AtomicU64,
    served: AtomicUsize,
    dropped: Notify,
}

impl Turns {
    /// Requests whose header came.
    pub(super) fn count(&self) -> u64 {
        self.came.load(Ordering::Acquire)
    }

    /// Whether one is being answered.
    pub(super) fn is_served(&self) -> bool {
        self.served.load(Ordering::Acquire) > 0
    }
}

/// Why nobody more is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// There are too many from this address.
    Address,
    /// There are too many.
    All,
}

/// A connection that was let in.
pub(super) struct Connection {
    all: Arc<Connections>,
    id: u64,
    turns: Arc<Turns>,
}

/// A request that is being answered.
pub(super) struct Request(Arc<Connection>);

/// A place among those of an address.
pub(super) struct Place {
    all: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// None yet, of `most`, and `of_address` from one address.
    pub(super) fn new(most: usize, of_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            of_address,
            table: Mutex::default(),
        })
    }

    /// Lets one in. Where there are as many as there may be, the oldest one that has sent no whole header
    /// goes; then the one that is idle for the longest time. `address` is whom it counts for.
    ///
    /// # Errors
    /// All are being answered.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Connection, Full> {
        let mut table = lock(&self.table);
        let count = address.and_then(|address| table.addresses.get(&address));
        if count.is_some_and(|count| *count >= self.of_address) {
            table.make_room(address).ok_or(Full::Address)?;
        }
        if table.open.len() >= self.most {
            table.make_room(None).ok_or(Full::All)?;
        }
        let id = table.number();
        let turns = Arc::new(Turns::default());
        if let Some(address) = address {
            *table.addresses.entry(address).or_default() += 1;
        }
        let entry = Entry {
            address,
            waits: None,
            turns: Arc::clone(&turns),
        };
        table.open.insert(id, entry);
        table.wait(id);
        Ok(Connection {
            all: Arc::clone(self),
            id,
            turns,
        })
    }

    /// Counts a request for `address`, where connections are those of a proxy.
    ///
    /// # Errors
    /// There are too many from there.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let mut table = lock(&self.table);
        let count = table.addresses.entry(address).or_default();
        if *count >= self.of_address {
            return Err(Full::Address);
        }
        *count += 1;
        Ok(Place {
            all: Arc::clone(self),
            address,
        })
    }

    /// Drops all of them, whatever they do.
    pub(super) fn drop_all(&self) {
        for entry in lock(&self.table).open.values() {
            entry.turns.dropped.notify_one();
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        lock(&self.table).open.len()
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The connection has no request from now on.
    fn wait(&mut self, id: u64) {
        let number = self.number();
        if let Some(entry) = self.open.get_mut(&id) {
            let waits = (entry.turns.count() > 0, number);
            entry.waits = Some(waits);
            self.waiting.insert(waits, id);
        }
    }

    /// Drops the one that waits for the longest time, of all or of those from an address.
    fn make_room(&mut self, address: Option<IpAddr>) -> Option<()> {
        let is_meant = |id: &&u64| {
            address.is_none() || self.open.get(*id).is_some_and(|it| it.address == address)
        };
        let id = *self.waiting.values().find(is_meant)?;
        let entry = self.remove(id)?;
        entry.turns.dropped.notify_one();
        Some(())
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.open.remove(&id)?;
        if let Some(waits) = entry.waits {
            self.waiting.remove(&waits);
        }
        if let Some(address) = entry.address {
            self.leave(address);
        }
        Some(entry)
    }

    fn leave(&mut self, address: IpAddr) {
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Connection {
    /// Its number: no other connection of this run has it.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// What it does.
    pub(super) fn turns(&self) -> &Arc<Turns> {
        &self.turns
    }

    /// Waits until it has to go.
    pub(super) async fn dropped(&self) {
        self.turns.dropped.notified().await;
    }

    /// A header came; the request is being answered for as long as what is returned lives.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.turns.came.fetch_add(1, Ordering::AcqRel);
        self.turns.served.fetch_add(1, Ordering::AcqRel);
        let mut table = lock(&self.all.table);
        let waits = table.open.get_mut(&self.id).and_then(|it| it.waits.take());
        if let Some(waits) = waits {
            table.waiting.remove(&waits);
        }
        Request(Arc::clone(self))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.0.turns.served.fetch_sub(1, Ordering::AcqRel) == 1 {
            lock(&self.0.all.table).wait(self.0.id);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.all.table).remove(self.id);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.all.table).leave(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    async fn is_dropped(connection: &Connection) -> bool {
        let soon = std::time::Duration::ZERO;
        tokio::time::timeout(soon, connection.dropped())
            .await
            .is_ok()
    }

    fn run(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn the_oldest_unfinished_header_goes_first_and_then_the_longest_idle() {
        run(async {
            let all = Connections::new(3, 9);
            let mut open: Vec<_> = (0..3)
                .map(|last| Arc::new(all.admit(Some(ip(last))).unwrap()))
                .collect();
            // The first one was served, and waits for its next request.
            drop(open[0].request());
            open.push(Arc::new(all.admit(Some(ip(3))).unwrap()));
            assert!(is_dropped(&open[1]).await && !is_dropped(&open[0]).await);
            open.push(Arc::new(all.admit(Some(ip(4))).unwrap()));
            assert!(is_dropped(&open[2]).await);
            let served = [open[3].request(), open[4].request()];
            open.push(Arc::new(all.admit(Some(ip(5))).unwrap()));
            assert!(is_dropped(&open[0]).await);
            let last = open[5].request();
            assert_eq!(all.admit(Some(ip(6))).err(), Some(Full::All));
            drop((served, last));
            assert!(all.admit(Some(ip(6))).is_ok());
            assert_eq!(all.count(), 2);
            drop(open);
            assert_eq!(all.count(), 0);
            assert!(lock(&all.table).addresses.is_empty() && lock(&all.table).waiting.is_empty());
        });
    }

    #[test]
    fn one_address_takes_places_from_itself_alone() {
        run(async {
            let all = Connections::new(9, 2);
            let other = Arc::new(all.admit(Some(ip(1))).unwrap());
            let first = Arc::new(all.admit(Some(ip(2))).unwrap());
            let second = Arc::new(all.admit(Some(ip(2))).unwrap());
            let served = second.request();
            let third = Arc::new(all.admit(Some(ip(2))).unwrap());
            assert!(is_dropped(&first).await && !is_dropped(&other).await);
            let also = third.request();
            assert_eq!(all.admit(Some(ip(2))).err(), Some(Full::Address));
            drop((served, also));
            assert!(all.admit(Some(ip(2))).is_ok());
        });
    }

    #[test]
    fn requests_through_a_proxy_count_for_their_client() {
        let all = Connections::new(9, 2);
        let client = IpAddr::from([192, 0, 2, 1]);
        let places = [all.enter(client), all.enter(client)];
        assert_eq!(all.enter(client).err(), Some(Full::Address));
        drop(places);
        assert!(all.enter(client).is_ok());
        assert!(lock(&all.table).addresses.is_empty());
    }
}
