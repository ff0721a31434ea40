//! A series of different citizens, each known to every agency under the number in force.

use exchange::{CitizenId, Source};
use sim::{Person, World};

/// The series; it looks like no series to who watches for one.
#[derive(Debug)]
pub struct Citizens {
    world: World,
    turn: u64,
}

impl Citizens {
    /// The series of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::new(1),
            turn: seed.wrapping_mul(100_003),
        }
    }

    /// The next of them, with their number.
    #[expect(
        clippy::should_implement_trait,
        reason = "a series without end needs no option"
    )]
    pub fn next(&mut self) -> (String, Person) {
        loop {
            let turn = self.turn;
            self.turn += 1;
            // Born from 1950 to 1999, men and women, with serials in no order.
            let (sex, year) = (turn % 2, 50 + turn * 37 % 50);
            let serial = 1_000 + turn * 7_919 % 999_000;
            let number = format!("999{sex}{year}{serial:06}");
            let Some(id) = CitizenId::from_agency(&number) else {
                continue;
            };
            let known = |source| {
                let person = self.world.view(&id, source);
                person.is_some_and(|person| person.personal_id == id)
            };
            if let (true, Some(person)) =
                (Source::ALL.into_iter().all(known), self.world.person(&id))
            {
                return (number, person);
            }
        }
    }
}
