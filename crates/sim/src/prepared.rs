//! Rendered answers, kept so that a simulator costs little under load.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::RwLock;

use bytes::Bytes;

/// A bounded map from a question to its rendered answer.
///
/// Two generations: when the young one is full it becomes the old one, and the old one goes. An
/// answer that is asked for often costs one shared lock and one reference count.
#[derive(Debug)]
pub struct Prepared<K> {
    half: usize,
    generations: RwLock<Generations<K>>,
}

#[derive(Debug)]
struct Generations<K> {
    young: HashMap<K, Bytes>,
    old: HashMap<K, Bytes>,
}

impl<K: Eq + Hash> Prepared<K> {
    /// Keeps at most `capacity` answers; 0 keeps none.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            half: capacity / 2,
            generations: RwLock::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
            }),
        }
    }

    /// The answer to that question, rendered if it is not kept.
    pub fn get_or_render(&self, key: K, render: impl FnOnce() -> Bytes) -> Bytes {
        if self.half == 0 {
            return render();
        }
        if let Some(answer) = self.get(&key) {
            return answer;
        }
        let answer = render();
        self.keep(key, answer.clone());
        answer
    }

    fn get(&self, key: &K) -> Option<Bytes> {
        let generations = self.generations.read().ok()?;
        let kept = generations.young.get(key);
        kept.or_else(|| generations.old.get(key)).cloned()
    }

    fn keep(&self, key: K, answer: Bytes) {
        let Ok(mut generations) = self.generations.write() else {
            return;
        };
        if generations.young.len() >= self.half {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_rendered_once() {
        let prepared = Prepared::new(4);
        let first = prepared.get_or_render(1, || Bytes::from_static(b"one"));
        let again = prepared.get_or_render(1, || panic!("rendered twice"));
        assert_eq!(first, again);
    }

    #[test]
    fn no_more_answers_are_kept_than_there_is_room_for() {
        let prepared = Prepared::new(4);
        for key in 0..100 {
            prepared.get_or_render(key, || Bytes::from_static(b"x"));
        }
        let generations = prepared.generations.read().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 4);
    }

    #[test]
    fn without_room_every_question_is_rendered() {
        let prepared = Prepared::new(0);
        prepared.get_or_render(1, || Bytes::from_static(b"one"));
        let again = prepared.get_or_render(1, || Bytes::from_static(b"two"));
        assert_eq!(again, "two");
    }
}
