//! What the environment asks for.

/// The variables, read once for each test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Environment {
    /// `AIO_SEED`: the first seed, and unless `schedules` says something else, the only one.
    pub(crate) seed: Option<u64>,
    /// `AIO_SCHEDULES`: how many seeds to try.
    pub(crate) schedules: Option<u64>,
    /// `AIO_TRACE`: print the steps of each run.
    pub(crate) trace: bool,
}

impl Environment {
    /// # Panics
    /// If there is anything in them but a number.
    pub(crate) fn read() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(get: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name| {
            let text = get(name).filter(|text| !text.is_empty())?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, and should be a number")))
        };
        Self {
            seed: number("AIO_SEED"),
            schedules: number("AIO_SCHEDULES").inspect(|n| assert!(*n > 0, "AIO_SCHEDULES=0 tests nothing")),
            trace: get("AIO_TRACE").is_some_and(|text| !text.is_empty() && text != "0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Environment::from(get)
    }

    #[test]
    fn what_is_not_set_asks_for_nothing() {
        assert_eq!(of(&[]), Environment::default());
        assert_eq!(of(&[("AIO_SEED", ""), ("AIO_TRACE", "0")]), Environment::default());
    }

    #[test]
    fn numbers_are_read() {
        let all = of(&[("AIO_SEED", "7"), ("AIO_SCHEDULES", "100"), ("AIO_TRACE", "1")]);
        assert_eq!(all, Environment { seed: Some(7), schedules: Some(100), trace: true });
    }

    #[test]
    #[should_panic(expected = "AIO_SEED is `seven`, and should be a number")]
    fn what_is_no_number_is_refused() {
        of(&[("AIO_SEED", "seven")]);
    }

    #[test]
    #[should_panic(expected = "tests nothing")]
    fn no_schedules_are_refused() {
        of(&[("AIO_SCHEDULES", "0")]);
    }
}
