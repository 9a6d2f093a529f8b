//! Money that goes from one account to another.

use aio::Lock;

/// An account, and where it stands in the order of all accounts.
#[derive(Debug)]
pub struct Account {
    number: u32,
    /// What is on it.
    pub balance: Lock<i64>,
}

impl Account {
    /// One with that on it.
    pub fn new(number: u32, balance: i64) -> Self {
        Self { number, balance: Lock::new(balance) }
    }
}

/// Locks one account, then the other. Two transfers in opposite directions may wait for each other for ever.
pub async fn transfer(from: &Account, to: &Account, amount: i64) {
    let mut giver = from.balance.lock().await;
    let mut taker = to.balance.lock().await;
    *giver -= amount;
    *taker += amount;
}

/// Locks the account with the lower number first.
pub async fn transfer_in_order(from: &Account, to: &Account, amount: i64) {
    if from.number < to.number {
        transfer(from, to, amount).await;
    } else {
        let mut taker = to.balance.lock().await;
        let mut giver = from.balance.lock().await;
        *giver -= amount;
        *taker += amount;
    }
}
