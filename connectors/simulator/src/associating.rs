//! What the people in the CRM do to associations. None of it moves a modified date.

use crate::exchange::Millis;
use crate::links::{Category, LinkError};
use crate::object_types::TypeIndex;
use crate::people::{Done, PortalError};
use crate::portal::Portal;

impl Portal {
    /// Adds an association type to a pair of records. The unlabeled type comes along; a new primary demotes the old one.
    #[expect(clippy::too_many_arguments, reason = "two ends and a type have that many parts")]
    pub fn associate(
        &mut self,
        now: Millis,
        from: &str,
        from_id: u64,
        to: &str,
        to_id: u64,
        category: Category,
        type_id: u32,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let (from, to) = self.ends(from, from_id, to, to_id)?;
        let mut wanted: Vec<(Category, u32)> =
            self.links.marks(from, from_id, to, to_id).iter().map(|f| (f.category, f.type_id)).collect();
        wanted.push((category, type_id));
        self.links.set(from, from_id, to, to_id, &wanted).map_err(refused)?;
        Ok(())
    }

    /// Removes every association of a pair of records.
    pub fn dissociate(
        &mut self,
        now: Millis,
        from: &str,
        from_id: u64,
        to: &str,
        to_id: u64,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let (from, to) = (self.object(from)?, self.object(to)?);
        self.links.remove(from, from_id, to, to_id).map_err(refused)?;
        Ok(())
    }

    /// Sets the whole set of types of a pair; an empty set removes the association.
    pub fn relabel(
        &mut self,
        now: Millis,
        from: &str,
        from_id: u64,
        to: &str,
        to_id: u64,
        types: &[(Category, u32)],
    ) -> Result<(), PortalError> {
        self.advance(now);
        let (from, to) = self.ends(from, from_id, to, to_id)?;
        self.links.set(from, from_id, to, to_id, types).map_err(refused)?;
        Ok(())
    }

    /// The portal's owner makes a new label for a pair of types; returns its type id, the same in both directions.
    pub fn add_label(&mut self, now: Millis, from: &str, to: &str, label: &str) -> Result<u32, PortalError> {
        self.advance(now);
        let (from, to) = (self.object(from)?, self.object(to)?);
        self.links.define_label(from, to, label, None).map_err(refused)
    }

    fn ends(&self, from: &str, from_id: u64, to: &str, to_id: u64) -> Done<(TypeIndex, TypeIndex)> {
        let (from, to) = (self.object(from)?, self.object(to)?);
        for (kind, id) in [(from, from_id), (to, to_id)] {
            if !self.is_active(kind, id) {
                return Err(self.missing(kind, id, "active"));
            }
        }
        if from == to && from_id == to_id {
            return Err(PortalError::SameRecord);
        }
        Ok((from, to))
    }
}

fn refused(error: LinkError) -> PortalError {
    PortalError::Association(error.to_string())
}
