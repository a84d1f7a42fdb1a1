//! Associations written through the API: which types may be set, and what comes along with them.
//!
//! A write sets the whole set of types of a pair; the unlabeled type comes along, the first company becomes the primary one,
//! and a new primary demotes the old. None of it moves a date.

use crate::association_types::Role;
use crate::links::Category;
use crate::object_types::TypeIndex;
use crate::portal::Portal;
use crate::problem::Problem;
use crate::writing::bodies::{LinkType, NewLink};
use crate::writing::log::{Linked, TypeOfLink};

/// A record: its type and its id.
pub(crate) type End = (TypeIndex, u64);

/// An association that a create asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewEdge {
    pub(crate) to: TypeIndex,
    pub(crate) to_id: u64,
    pub(crate) types: Vec<TypeOfLink>,
}

impl Portal {
    /// The associations in the body of a create. The far type follows from the association type.
    pub(crate) fn plan_links(&self, kind: TypeIndex, given: &[NewLink]) -> Result<Vec<NewEdge>, Problem> {
        let mut edges = Vec::with_capacity(given.len());
        for link in given {
            let named: Option<Vec<TypeOfLink>> = link.types.iter().map(named).collect();
            let named = named.filter(|types| !types.is_empty()).ok_or_else(invalid_links)?;
            let far = |(category, type_id): &TypeOfLink| {
                let ends = self.links.locate(*category, *type_id);
                let here = ends.iter().find(|(from, _)| *from == kind);
                here.map(|(_, to)| *to).ok_or_else(|| self.wrong_end(kind, &ends))
            };
            let to = far(&named[0])?;
            for other in &named[1..] {
                if far(other)? != to {
                    return Err(invalid_links());
                }
            }
            let to_id = self.end(to, link.to.id.clone().into_string().as_str())?;
            edges.push(NewEdge { to, to_id, types: named });
        }
        Ok(edges)
    }

    /// The types that a client names for a direction.
    pub(crate) fn link_types(
        &self,
        from: TypeIndex,
        to: TypeIndex,
        given: &[LinkType],
    ) -> Result<Vec<TypeOfLink>, Problem> {
        let known = self.links.types(from, to);
        given
            .iter()
            .map(|link| {
                let asked = named(link).ok_or_else(invalid_links)?;
                if known.iter().any(|facing| (facing.category, facing.type_id) == asked) {
                    return Ok(asked);
                }
                Err(self.wrong_end(from, &self.links.locate(asked.0, asked.1)))
            })
            .collect()
    }

    /// The refusal of a type that begins elsewhere, or nowhere.
    fn wrong_end(&self, kind: TypeIndex, ends: &[(TypeIndex, TypeIndex)]) -> Problem {
        match ends.iter().find(|(from, _)| *from != kind) {
            None => invalid_links(),
            Some((from, _)) => Problem::invalid(format!(
                "invalid from object type {} for associations to be created. expected: {}",
                self.types[kind].id, self.types[*from].id
            )),
        }
    }

    /// The active record with this id.
    pub(crate) fn end(&self, kind: TypeIndex, given: &str) -> Result<u64, Problem> {
        let id: u64 = given.parse().map_err(|_| {
            Problem::invalid(format!("{given} is not a valid ID")).with_sub("crm.associations.INVALID_IDENTIFIER")
        })?;
        if self.is_active(kind, id) {
            return Ok(id);
        }
        let name = self.types[kind].singular.to_uppercase();
        Err(Problem::invalid(format!("{name}={id} is not valid")).with_sub("crm.associations.INVALID_OBJECT_IDS"))
    }

    /// Both ends of a pair, which cannot be one and the same record.
    pub(crate) fn both_ends(
        &self,
        (from, from_id): (TypeIndex, &str),
        (to, to_id): (TypeIndex, &str),
    ) -> Result<(End, End), Problem> {
        let (near, far) = ((from, self.end(from, from_id)?), (to, self.end(to, to_id)?));
        if near == far {
            return Err(Problem::invalid(format!("Object {} cannot be associated to itself ({})", near.1, far.1)));
        }
        Ok((near, far))
    }

    /// Sets the types of a pair. They are known to exist in this direction.
    pub(crate) fn apply_labels(&mut self, near: End, far: End, types: &[TypeOfLink]) {
        let mut wanted = types.to_vec();
        if self.settings.switches.first_company_is_primary && self.has_no_company(near, far) {
            wanted.extend(self.links.primary(near.0, far.0));
        }
        self.set_links(near, far, &wanted);
    }

    /// Removes types of a pair; without the unlabeled one nothing is left.
    pub(crate) fn apply_unlabel(&mut self, near: End, far: End, types: &[TypeOfLink]) {
        let marks = self.links.marks(near.0, near.1, far.0, far.1);
        let gone = |category, type_id| types.contains(&(category, type_id));
        let all = marks.iter().any(|m| m.role == Role::Unlabeled && gone(m.category, m.type_id));
        let left: Vec<TypeOfLink> =
            marks.iter().filter(|m| !all && !gone(m.category, m.type_id)).map(|m| (m.category, m.type_id)).collect();
        if !marks.is_empty() {
            self.set_links(near, far, &left);
        }
    }

    /// Removes the association of a pair, if there is one.
    pub(crate) fn apply_unlink(&mut self, near: End, far: End) {
        if !self.links.marks(near.0, near.1, far.0, far.1).is_empty() {
            self.set_links(near, far, &[]);
        }
    }

    /// Whether the record at either end may have a primary company and has no company at all.
    fn has_no_company(&self, near: End, far: End) -> bool {
        let (owner, companies) = if self.types[far.0].name == "companies" { (near, far.0) } else { (far, near.0) };
        self.types[companies].name == "companies"
            && self.links.primary(near.0, far.0).is_some()
            && self.visible_neighbours(owner.0, owner.1, companies, 0).is_empty()
    }

    fn set_links(&mut self, near: End, far: End, types: &[TypeOfLink]) {
        let before = self.link_marks(near, far);
        let set = self.links.set(near.0, near.1, far.0, far.1, types);
        debug_assert!(set.is_ok(), "types were looked up in the table that `set` reads");
        let after = self.link_marks(near, far);
        if self.log.is_on() {
            let named = |end: End| (self.types[end.0].name.clone(), end.1);
            let entry = Linked { at: self.now, from: named(near), to: named(far), before, after };
            self.log.linked(entry);
        }
    }

    fn link_marks(&self, near: End, far: End) -> Vec<TypeOfLink> {
        let marks = self.links.marks(near.0, near.1, far.0, far.1);
        marks.iter().map(|mark| (mark.category, mark.type_id)).collect()
    }
}

/// A category that no portal has makes an association that does not exist.
fn named(link: &LinkType) -> Option<TypeOfLink> {
    let category = match link.association_category.as_str() {
        "HUBSPOT_DEFINED" => Category::HubspotDefined,
        "USER_DEFINED" => Category::UserDefined,
        _ => return None,
    };
    Some((category, link.association_type_id))
}

fn invalid_links() -> Problem {
    Problem::invalid("One or more associations are invalid")
}
