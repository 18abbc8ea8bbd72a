//! What one member's share of the shards is. Nobody decides for the others: all look at the same tables and come to the
//! same shares, and who has too much gives it up before who has too little takes it.

use std::collections::BTreeSet;
use uuid::Uuid;

/// A shard, and who has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) shard: u64,
    pub(crate) owner: Option<Uuid>,
}

/// What a member has and should have.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) mine: BTreeSet<u64>,
    /// Held by nobody who is alive.
    free: Vec<u64>,
    size: usize,
}

impl Share {
    /// The share of one of the members that are alive, in their order. `turn` differs between projections, so that what
    /// cannot be divided does not fall to the same member in each.
    pub(crate) fn of(me: Uuid, turn: usize, members: &[Uuid], leases: Vec<Lease>) -> Self {
        let is_mine = |lease: &Lease| lease.owner == Some(me);
        let is_free = |lease: &Lease| lease.owner.is_none_or(|owner| !members.contains(&owner));
        let size = members.iter().position(|member| *member == me).map_or(0, |rank| {
            let (each, rest) = (leases.len() / members.len(), leases.len() % members.len());
            each + usize::from((rank + turn) % members.len() < rest)
        });
        Self {
            mine: leases.iter().filter(|lease| is_mine(lease)).map(|lease| lease.shard).collect(),
            free: leases.iter().filter(|lease| is_free(lease) && !is_mine(lease)).map(|lease| lease.shard).collect(),
            size,
        }
    }

    /// What others should have.
    pub(crate) fn to_release(&self) -> Vec<u64> {
        self.mine.iter().copied().skip(self.size).collect()
    }

    /// What is free and missing.
    pub(crate) fn to_take(&self) -> Vec<u64> {
        self.free.iter().copied().take(self.size.saturating_sub(self.mine.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARDS: u64 = 16;

    fn member(n: usize) -> Uuid {
        Uuid::from_u128(n as u128 + 1)
    }

    /// Every member settles once, one after another; says how many hold how much.
    fn round(members: &[Uuid], owners: &mut [Option<Uuid>]) -> Vec<usize> {
        let leases =
            |owners: &[Option<Uuid>]| (0..SHARDS).zip(owners).map(|(shard, &owner)| Lease { shard, owner }).collect();
        for &me in members {
            let share = Share::of(me, 0, members, leases(owners));
            share.to_release().into_iter().for_each(|shard| owners[shard as usize] = None);
            share.to_take().into_iter().for_each(|shard| owners[shard as usize] = Some(me));
        }
        members.iter().map(|me| owners.iter().filter(|owner| **owner == Some(*me)).count()).collect()
    }

    #[test]
    fn two_rounds_divide_everything_whoever_comes_and_goes() {
        let mut owners = [None; SHARDS as usize];
        for count in [1, 2, 5, 3, 16, 20, 4, 1] {
            let members: Vec<Uuid> = (0..count).map(member).collect();
            round(&members, &mut owners);
            let held = round(&members, &mut owners);
            assert_eq!(held.iter().sum::<usize>(), SHARDS as usize, "{count} members");
            assert!(held.iter().max().unwrap() - held.iter().min().unwrap() <= 1, "{count} members hold {held:?}");
        }
    }

    #[test]
    fn what_is_divided_stays_where_it_is() {
        let members: Vec<Uuid> = (0..3).map(member).collect();
        let mut owners = [None; SHARDS as usize];
        round(&members, &mut owners);
        round(&members, &mut owners);
        let settled = owners;
        round(&members, &mut owners);
        assert_eq!(owners, settled);
    }

    #[test]
    fn what_cannot_be_divided_falls_to_another_in_each_projection() {
        let members: Vec<Uuid> = (0..3).map(member).collect();
        let size = |me, turn| {
            let leases = (0..SHARDS).map(|shard| Lease { shard, owner: None }).collect();
            Share::of(member(me), turn, &members, leases).to_take().len()
        };
        assert_eq!([size(0, 0), size(1, 0), size(2, 0)], [6, 5, 5]);
        assert_eq!([size(0, 1), size(1, 1), size(2, 1)], [5, 5, 6]);
    }

    #[test]
    fn who_counts_as_silent_takes_nothing() {
        let leases = (0..SHARDS).map(|shard| Lease { shard, owner: None }).collect();
        assert!(Share::of(member(1), 0, &[member(0)], leases).to_take().is_empty());
    }
}
