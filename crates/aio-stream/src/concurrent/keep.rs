//! What becomes of what the calls give.

/// What becomes of the items, and of the outputs of the calls. Sealed.
pub trait Keep<I, O>: Default {
    /// What a call gets.
    #[doc(hidden)]
    type Argument;
    /// What is given when all have ended.
    #[doc(hidden)]
    type End;

    /// What a call gets of an item; or the end, if there is none.
    #[doc(hidden)]
    fn argument(item: I) -> Result<Self::Argument, Self::End>;
    /// Takes the output of the call of this number. Gives the end, if it is one.
    #[doc(hidden)]
    fn take(&mut self, number: usize, output: O) -> Option<Self::End>;
    /// All have ended.
    #[doc(hidden)]
    fn end(&mut self) -> Self::End;
}

/// Nothing is kept, since there is nothing.
#[derive(Debug, Default)]
pub struct Nothing(());

/// Nothing is kept but the first error.
#[derive(Debug, Default)]
pub struct TryNothing(());

/// Outputs are kept in the order of the items.
#[derive(Debug)]
pub struct InOrder<T>(Vec<Option<T>>);

/// Outputs are kept in the order of the items, or the first error.
#[derive(Debug)]
pub struct TryInOrder<T>(InOrder<T>);

impl<I> Keep<I, ()> for Nothing {
    type Argument = I;
    type End = ();

    fn argument(item: I) -> Result<I, ()> {
        Ok(item)
    }
    fn take(&mut self, _number: usize, (): ()) -> Option<()> {
        None
    }
    fn end(&mut self) {}
}

impl<I, E> Keep<Result<I, E>, Result<(), E>> for TryNothing {
    type Argument = I;
    type End = Result<(), E>;

    fn argument(item: Result<I, E>) -> Result<I, Self::End> {
        item.map_err(Err)
    }
    fn take(&mut self, _number: usize, output: Result<(), E>) -> Option<Self::End> {
        output.is_err().then_some(output)
    }
    fn end(&mut self) -> Self::End {
        Ok(())
    }
}

impl<T> InOrder<T> {
    fn put(&mut self, number: usize, output: T) {
        if self.0.len() <= number {
            self.0.resize_with(number + 1, || None);
        }
        self.0[number] = Some(output);
    }

    fn all(&mut self) -> Vec<T> {
        std::mem::take(&mut self.0).into_iter().flatten().collect()
    }
}

impl<I, T> Keep<I, T> for InOrder<T> {
    type Argument = I;
    type End = Vec<T>;

    fn argument(item: I) -> Result<I, Vec<T>> {
        Ok(item)
    }
    fn take(&mut self, number: usize, output: T) -> Option<Vec<T>> {
        self.put(number, output);
        None
    }
    fn end(&mut self) -> Vec<T> {
        self.all()
    }
}

impl<I, T, E> Keep<Result<I, E>, Result<T, E>> for TryInOrder<T> {
    type Argument = I;
    type End = Result<Vec<T>, E>;

    fn argument(item: Result<I, E>) -> Result<I, Self::End> {
        item.map_err(Err)
    }
    fn take(&mut self, number: usize, output: Result<T, E>) -> Option<Self::End> {
        match output {
            Ok(output) => {
                self.0.put(number, output);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
    fn end(&mut self) -> Self::End {
        Ok(self.0.all())
    }
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for TryInOrder<T> {
    fn default() -> Self {
        Self(InOrder::default())
    }
}
