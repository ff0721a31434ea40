//! Random lives of a log against what must hold in every one of them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::keys::PublicKeys;
use crate::verify::{self, ReceiptText};

#[derive(Clone, Copy, Debug)]
enum Step {
    Exchange,
    Leave,
    Abandon,
    Refuse,
    Together(u8),
    Crash,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Exchange),
        2 => Just(Step::Leave),
        1 => Just(Step::Abandon),
        2 => Just(Step::Refuse),
        2 => (2..9_u8).prop_map(Step::Together),
        1 => Just(Step::Crash),
        1 => Just(Step::Close),
    ]
}

/// What the clients hold, and what is open.
#[derive(Default)]
struct Held {
    receipts: Vec<ReceiptText>,
    open: Vec<Open>,
}

impl Held {
    fn keep(&mut self, receipt: &Receipt) {
        self.receipts.push(receipt.into());
    }

    /// A refusal that is counted with others has none.
    fn keep_any(&mut self, receipt: Option<&Receipt>) {
        self.receipts.extend(receipt.map(Into::into));
    }
}

async fn act(step: Step, desk: &Desk, log: &mut Option<(Evidence, Handle)>, held: &mut Held) {
    let (evidence, handle) = log.take().unwrap_or_else(|| desk.start());
    match step {
        Step::Exchange => held.keep(&desk.exchange(&evidence).await),
        Step::Leave => held.open.push(desk.open(&evidence)),
        Step::Abandon => drop(held.open.pop()),
        Step::Refuse => {
            let refused = evidence.refuse(&desk.refusal(None)).await.unwrap();
            held.keep_any(refused.as_ref());
        }
        Step::Together(many) => {
            let all: Vec<_> = (0..many)
                .map(|_| evidence.refuse(&desk.refusal(None)))
                .collect();
            for sealing in all {
                held.keep_any(sealing.await.unwrap().as_ref());
            }
        }
        Step::Crash => {
            drop(handle);
            held.open.clear();
            return;
        }
        Step::Close => return handle.close().await.unwrap(),
    }
    *log = Some((evidence, handle));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_receipt_is_in_the_log_once_whatever_happens(
        steps in vec(step(), 1..24),
        segment_bytes in prop_oneof![Just(1_u64), Just(3000), Just(64 << 10)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let mut desk = Desk::new();
        desk.config.segment_bytes = segment_bytes;
        let (mut log, mut held) = (None, Held::default());
        for step in steps {
            runtime.block_on(act(step, &desk, &mut log, &mut held));
        }
        drop(log);
        held.open.clear();
        runtime.block_on(desk.start().1.close()).unwrap();

        let report = verify::directory(desk.path(), |_| ()).unwrap();
        prop_assert_eq!(report.open_attempts, 0);
        prop_assert_eq!(report.torn_bytes, 0);
        let count = held.receipts.len() as u64;
        let seqs: std::collections::BTreeSet<u64> = held.receipts.iter().map(|r| r.seq).collect();
        prop_assert_eq!(seqs.len() as u64, count);
        let keys = PublicKeys::read(desk.path()).unwrap();
        let checked = verify::receipts(desk.path(), &keys.receipt, held.receipts).unwrap();
        prop_assert_eq!(checked.accepted, count, "{:?}", checked.refused);
    }
}
