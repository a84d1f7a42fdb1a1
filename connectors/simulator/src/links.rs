//! Which records are associated, and how: one entry per pair of records, read from either side.
//!
//! A pair of types is stored once, under the type that comes first; the other direction shows the same edges under its own
//! type ids and labels. Every labelled edge also carries the unlabeled type, as HubSpot does it, and removing the unlabeled
//! type removes the edge.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::association_types::{LABELED, OWNERS, Role, UNLABELED};
use crate::object_types::{ObjectType, TypeIndex};

/// Who defined an association type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// HubSpot.
    HubspotDefined,
    /// The portal's owner.
    UserDefined,
}

impl Category {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::HubspotDefined => "HUBSPOT_DEFINED",
            Category::UserDefined => "USER_DEFINED",
        }
    }
}

/// An association type seen in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facing<'a> {
    pub(crate) category: Category,
    pub(crate) type_id: u32,
    pub(crate) label: Option<&'a str>,
    pub(crate) role: Role,
}

#[derive(Debug, Clone)]
struct Definition {
    category: Category,
    role: Role,
    forth: u32,
    back: u32,
    forth_label: Option<String>,
    back_label: Option<String>,
    /// For `Primary`: whether the records of the second type are the ones that have at most one primary.
    owner_is_second: bool,
}

/// A definition and, between records of one type, which way round it lies. The unlabeled one sorts first.
type Mark = u16;

const FLIPPED: Mark = 1;

/// Types and edges between two object types.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    definitions: Vec<Definition>,
    edges: BTreeMap<(u64, u64), u16>,
    reverse: BTreeSet<(u64, u64)>,
    /// Distinct sets of marks; edges refer to them by position, because millions of edges share a handful.
    sets: Vec<Vec<Mark>>,
}

/// All associations of a portal.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pairs: HashMap<(TypeIndex, TypeIndex), Pair>,
}

/// Why an association cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("these object types cannot be associated")]
    NoSuchPair,
    #[error("association type {0} does not exist in this direction")]
    NoSuchType(u32),
}

impl Links {
    pub(crate) fn new(types: &[ObjectType]) -> Self {
        let mut links = Links::default();
        let at = |name: &str| types.iter().position(|t| t.name == name);
        for (first, rest) in UNLABELED {
            for entry in rest.split_whitespace() {
                if let Some((second, forth, back)) = split_entry(entry)
                    && let (Some(a), Some(b)) = (at(first), at(second))
                {
                    links.define(a, b, Category::HubspotDefined, Role::Unlabeled, (forth, back), (None, None));
                }
            }
        }
        for (first, second, forth, back, there, here, role) in LABELED {
            if let (Some(a), Some(b)) = (at(first), at(second)) {
                let labels = (Some(*there), Some(*here));
                links.define(a, b, Category::HubspotDefined, *role, (*forth, *back), labels);
            }
        }
        links.define_custom(types);
        for (n, (first, second, there, here)) in OWNERS.iter().enumerate() {
            if let (Some(a), Some(b)) = (at(first), at(second)) {
                let id = 2 * n as u32 + 1;
                let ids = (id, if there == here { id } else { id + 1 });
                links.define(a, b, Category::UserDefined, Role::Label, ids, (Some(*there), Some(*here)));
            }
        }
        links
    }

    /// Custom objects associate with contacts, companies and deals under types numbered by the portal.
    fn define_custom(&mut self, types: &[ObjectType]) {
        for (a, _) in types.iter().enumerate().filter(|(_, t)| t.custom) {
            for b in 0..3 {
                let id = 40 + 10 * (a as u32) + 2 * b as u32;
                self.define(b, a, Category::UserDefined, Role::Unlabeled, (id, id + 1), (None, None));
            }
        }
    }

    fn define(
        &mut self,
        first: TypeIndex,
        second: TypeIndex,
        category: Category,
        role: Role,
        ids: (u32, u32),
        labels: (Option<&str>, Option<&str>),
    ) {
        let turned = first > second;
        let ((forth, back), (there, here)) =
            if turned { ((ids.1, ids.0), (labels.1, labels.0)) } else { (ids, labels) };
        let pair = self.pairs.entry((first.min(second), first.max(second))).or_default();
        pair.definitions.push(Definition {
            category,
            role,
            forth,
            back,
            forth_label: there.map(ToOwned::to_owned),
            back_label: here.map(ToOwned::to_owned),
            owner_is_second: turned,
        });
    }

    /// A new label of the portal's owner; with another one for the way back, which gets the next id.
    pub(crate) fn define_label(
        &mut self,
        from: TypeIndex,
        to: TypeIndex,
        label: &str,
        inverse: Option<&str>,
    ) -> Result<u32, LinkError> {
        let next = 1 + self.pairs.values().flat_map(|p| &p.definitions).fold(0, |max, d| match d.category {
            Category::UserDefined => max.max(d.forth).max(d.back),
            Category::HubspotDefined => max,
        });
        if !self.pairs.contains_key(&(from.min(to), from.max(to))) {
            return Err(LinkError::NoSuchPair);
        }
        let ids = (next, next + u32::from(inverse.is_some()));
        let labels = (Some(label), Some(inverse.unwrap_or(label)));
        self.define(from, to, Category::UserDefined, Role::Label, ids, labels);
        Ok(next)
    }

    pub(crate) fn pair(&self, from: TypeIndex, to: TypeIndex) -> Option<&Pair> {
        self.pairs.get(&(from.min(to), from.max(to)))
    }

    fn pair_mut(&mut self, from: TypeIndex, to: TypeIndex) -> Result<&mut Pair, LinkError> {
        self.pairs.get_mut(&(from.min(to), from.max(to))).ok_or(LinkError::NoSuchPair)
    }

    /// The association types of a direction.
    pub(crate) fn types(&self, from: TypeIndex, to: TypeIndex) -> Vec<Facing<'_>> {
        let Some(pair) = self.pair(from, to) else { return Vec::new() };
        let mut out: Vec<Facing<'_>> = Vec::new();
        for n in 0..pair.definitions.len() {
            let mark = (n as Mark) << 1;
            out.push(pair.facing(mark, from > to));
            if from == to && pair.definitions[n].forth != pair.definitions[n].back {
                out.push(pair.facing(mark | FLIPPED, false));
            }
        }
        out
    }

    /// The directions in which an association type exists.
    pub(crate) fn locate(&self, category: Category, type_id: u32) -> Vec<(TypeIndex, TypeIndex)> {
        let mut ends = Vec::new();
        for ((a, b), pair) in &self.pairs {
            for d in pair.definitions.iter().filter(|d| d.category == category) {
                ends.extend((d.forth == type_id).then_some((*a, *b)));
                ends.extend((d.back == type_id).then_some((*b, *a)));
            }
        }
        ends.sort_unstable();
        ends.dedup();
        ends
    }

    /// The records of type `to` associated with a record, ascending, at or after `after`.
    pub(crate) fn neighbours(&self, from: TypeIndex, id: u64, to: TypeIndex, after: u64) -> Vec<u64> {
        let Some(pair) = self.pair(from, to) else { return Vec::new() };
        let forth = pair.edges.range((id, after)..=(id, u64::MAX)).map(|((_, other), _)| *other);
        let back = pair.reverse.range((id, after)..=(id, u64::MAX)).map(|(_, other)| *other);
        let mut all: Vec<u64> = match from.cmp(&to) {
            std::cmp::Ordering::Less => forth.collect(),
            std::cmp::Ordering::Greater => back.collect(),
            std::cmp::Ordering::Equal => forth.chain(back).collect(),
        };
        all.sort_unstable();
        all
    }

    /// The types of one edge, as seen from `from`; empty when there is no edge.
    pub(crate) fn marks(&self, from: TypeIndex, from_id: u64, to: TypeIndex, to_id: u64) -> Vec<Facing<'_>> {
        let Some(pair) = self.pair(from, to) else { return Vec::new() };
        let (key, turned) = orient(from, from_id, to, to_id);
        let Some(set) = pair.edges.get(&key) else { return Vec::new() };
        let mut out: Vec<_> = pair.sets[*set as usize]
            .iter()
            .map(|mark| {
                // Between records of one type the mark itself says which way it lies.
                let mark = if from == to && turned { mark ^ FLIPPED } else { *mark };
                pair.facing(mark, from > to)
            })
            .collect();
        out.sort_by_key(|f| (f.category, f.type_id));
        out
    }

    /// Every edge of a pair of types, as (from id, to id).
    pub(crate) fn edges(&self, from: TypeIndex, to: TypeIndex) -> Vec<(u64, u64)> {
        let Some(pair) = self.pair(from, to) else { return Vec::new() };
        let mut all: Vec<(u64, u64)> = match from.cmp(&to) {
            std::cmp::Ordering::Less => pair.edges.keys().copied().collect(),
            std::cmp::Ordering::Greater => pair.reverse.iter().copied().collect(),
            std::cmp::Ordering::Equal => pair.edges.keys().copied().chain(pair.reverse.iter().copied()).collect(),
        };
        all.sort_unstable();
        all
    }

    /// Sets the whole set of types of a pair of records; an empty set removes the edge. The unlabeled type comes along.
    /// Returns whether anything changed.
    pub(crate) fn set(
        &mut self,
        from: TypeIndex,
        from_id: u64,
        to: TypeIndex,
        to_id: u64,
        wanted: &[(Category, u32)],
    ) -> Result<bool, LinkError> {
        let (key, turned) = orient(from, from_id, to, to_id);
        let pair = self.pair_mut(from, to)?;
        let mut marks = Vec::with_capacity(wanted.len() + 1);
        for (category, type_id) in wanted {
            marks.push(pair.mark(*category, *type_id, from, to, turned)?);
        }
        if !marks.is_empty() {
            marks.push(0);
        }
        marks.sort_unstable();
        marks.dedup();
        for mark in &marks {
            pair.demote_others(key, *mark);
        }
        Ok(pair.put(key, marks))
    }

    /// Removes a pair's edge. Returns whether there was one.
    pub(crate) fn remove(
        &mut self,
        from: TypeIndex,
        from_id: u64,
        to: TypeIndex,
        to_id: u64,
    ) -> Result<bool, LinkError> {
        let (key, _) = orient(from, from_id, to, to_id);
        Ok(self.pair_mut(from, to)?.put(key, Vec::new()))
    }

    /// The unlabeled type of a direction.
    pub(crate) fn unlabeled(&self, from: TypeIndex, to: TypeIndex) -> Option<(Category, u32)> {
        self.of_role(from, to, Role::Unlabeled)
    }

    /// The primary type of a direction, if the pair has one.
    pub(crate) fn primary(&self, from: TypeIndex, to: TypeIndex) -> Option<(Category, u32)> {
        self.of_role(from, to, Role::Primary)
    }

    fn of_role(&self, from: TypeIndex, to: TypeIndex, role: Role) -> Option<(Category, u32)> {
        self.types(from, to).iter().find(|f| f.role == role).map(|f| (f.category, f.type_id))
    }

    /// Every other type that may be associated with this one.
    pub(crate) fn partners(&self, kind: TypeIndex) -> Vec<TypeIndex> {
        let mut out: Vec<_> = self
            .pairs
            .keys()
            .filter_map(|(a, b)| if *a == kind { Some(*b) } else { (*b == kind).then_some(*a) })
            .collect();
        out.sort_unstable();
        out.dedup();
        out
    }
}

impl Pair {
    fn facing(&self, mark: Mark, back: bool) -> Facing<'_> {
        let d = &self.definitions[(mark >> 1) as usize];
        let (type_id, label) = if back || mark & FLIPPED == FLIPPED {
            (d.back, d.back_label.as_deref())
        } else {
            (d.forth, d.forth_label.as_deref())
        };
        Facing { category: d.category, type_id, label, role: d.role }
    }

    fn mark(
        &self,
        category: Category,
        type_id: u32,
        from: TypeIndex,
        to: TypeIndex,
        turned: bool,
    ) -> Result<Mark, LinkError> {
        for (n, d) in self.definitions.iter().enumerate().filter(|(_, d)| d.category == category) {
            let mark = (n as Mark) << 1;
            if from == to {
                let flip = if turned { FLIPPED } else { 0 };
                if d.forth == type_id {
                    return Ok(if d.forth == d.back { mark } else { mark | flip });
                }
                if d.back == type_id {
                    return Ok(mark | (flip ^ FLIPPED));
                }
            } else if type_id == (if from > to { d.back } else { d.forth }) {
                return Ok(mark);
            }
        }
        Err(LinkError::NoSuchType(type_id))
    }

    /// A new primary takes the mark from the edge that had it.
    fn demote_others(&mut self, key: (u64, u64), mark: Mark) {
        let d = &self.definitions[(mark >> 1) as usize];
        if d.role != Role::Primary {
            return;
        }
        let rivals: Vec<(u64, u64)> = if d.owner_is_second {
            self.reverse.range((key.1, 0)..=(key.1, u64::MAX)).map(|(b, a)| (*a, *b)).collect()
        } else {
            self.edges.range((key.0, 0)..=(key.0, u64::MAX)).map(|(k, _)| *k).collect()
        };
        for rival in rivals.into_iter().filter(|r| *r != key) {
            let Some(set) = self.edges.get(&rival) else { continue };
            let marks = &self.sets[*set as usize];
            if marks.contains(&mark) {
                let rest = marks.iter().copied().filter(|m| *m != mark).collect();
                self.put(rival, rest);
            }
        }
    }

    fn put(&mut self, key: (u64, u64), marks: Vec<Mark>) -> bool {
        if marks.is_empty() {
            self.reverse.remove(&(key.1, key.0));
            return self.edges.remove(&key).is_some();
        }
        let set = match self.sets.iter().position(|s| *s == marks) {
            Some(known) => known,
            None => {
                self.sets.push(marks);
                self.sets.len() - 1
            }
        } as u16;
        self.reverse.insert((key.1, key.0));
        self.edges.insert(key, set) != Some(set)
    }
}

/// The stored key of an edge, and whether it was turned round to get there.
fn orient(from: TypeIndex, from_id: u64, to: TypeIndex, to_id: u64) -> ((u64, u64), bool) {
    let turned = from > to || (from == to && from_id > to_id);
    (if turned { (to_id, from_id) } else { (from_id, to_id) }, turned)
}

fn split_entry(entry: &str) -> Option<(&str, u32, u32)> {
    let (name, ids) = entry.split_once(':')?;
    let (forth, back) = ids.split_once('/')?;
    Some((name, forth.parse().ok()?, back.parse().ok()?))
}
