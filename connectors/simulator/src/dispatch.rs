//! From a route to the endpoint that answers it, for those whose scopes allow it.

use crate::api::write_batch::Doing;
use crate::object_types::resolve;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::routes::{Family, Route};
use crate::write_routes::Write;

impl Portal {
    /// Answers a request that token and limits let through.
    pub(crate) fn dispatch(&mut self, call: &Call<'_>) -> Result<Answer, Problem> {
        match &call.parsed.route {
            Route::List(kind) => self.list(call, kind),
            Route::Read(kind, id) => self.read(call, kind, id),
            Route::Search(kind) => self.search(call, kind),
            Route::BatchRead(kind) => self.batch_read(call, kind),
            Route::AssociationsOf(from, id, to) => self.associations_of(call, from, id, to),
            Route::AssociationBatchRead(from, to) => self.association_batch_read(call, from, to),
            Route::AssociationLabels(from, to) => self.association_labels(from, to),
            Route::Properties(kind) => self.properties(call, kind),
            Route::Property(kind, name) => self.property(call, kind, name),
            Route::PropertyGroups(kind) => self.property_groups(kind),
            Route::Pipelines(kind) => self.pipelines_of(kind),
            Route::Pipeline(kind, id) => self.pipeline(kind, id),
            Route::Stages(kind, id) => self.stages(kind, id),
            Route::Owners => self.list_owners(call),
            Route::Owner(id) => self.owner(call, id),
            Route::Schemas => self.schemas(call),
            Route::Schema(kind) => self.schema(kind),
            Route::AccountDetails => Ok(self.account_details()),
            Route::DailyUsage => {
                let daily = self.limits.daily(self.now);
                Ok(self.daily_usage(daily))
            }
            Route::Write(write) => self.change(call, *write),
            Route::WrongMethod => Err(Problem::no_route(405)),
            Route::Unknown => Err(Problem::no_route(404)),
        }
    }

    /// Answers a request that would change the portal.
    fn change(&mut self, call: &Call<'_>, write: Write<'_>) -> Result<Answer, Problem> {
        match write {
            Write::Create(kind) => self.create_record(call, kind),
            Write::Update(kind, id) => self.update_record(call, kind, id),
            Write::Archive(kind, id) => self.archive_record(kind, id),
            Write::BatchCreate(kind) => self.batch_write(call, kind, Doing::Create),
            Write::BatchUpdate(kind) => self.batch_write(call, kind, Doing::Update),
            Write::BatchUpsert(kind) => self.batch_write(call, kind, Doing::Upsert),
            Write::BatchArchive(kind) => self.batch_archive(call, kind),
            Write::Merge(kind) => self.merge_by_api(call, kind),
            Write::Forget(kind) => self.forget_record(call, kind),
            Write::Label(pair) => self.label_pair(call, pair),
            Write::Link(pair) => self.link_pair(pair),
            Write::Unlink(pair) => self.unlink_pair(pair),
            Write::BatchLabel(from, to) => self.batch_label(call, from, to),
            Write::BatchLink(from, to) => self.batch_link(call, from, to),
            Write::BatchUnlink(from, to) => self.batch_unlink(call, from, to),
            Write::BatchUnlabel(from, to) => self.batch_unlabel(call, from, to),
            Write::NewLabel(from, to) => self.new_label(call, from, to),
            Write::NewProperty(kind) => self.new_property(call, kind),
            Write::ChangeProperty(kind, name) => self.change_property(call, kind, name),
            Write::ArchiveProperty(kind, name) => self.remove_definition(kind, name),
        }
    }

    /// Whether the app's scopes cover the object type of a request.
    pub(crate) fn permitted(&self, call: &Call<'_>) -> Result<(), Problem> {
        if let Route::Write(write) = &call.parsed.route {
            return self.permitted_to_write(call, *write);
        }
        let (Route::List(kind)
        | Route::Read(kind, _)
        | Route::Search(kind)
        | Route::BatchRead(kind)
        | Route::AssociationsOf(kind, ..)
        | Route::AssociationBatchRead(kind, _)
        | Route::Properties(kind)
        | Route::Property(kind, _)
        | Route::Pipelines(kind)) = &call.parsed.route
        else {
            return Ok(());
        };
        match resolve(&self.types, kind) {
            Some(index) if self.denied.contains(&self.types[index].name) => {
                let scope = format!("crm.objects.{}.read", self.types[index].name);
                Err(Problem::missing_scopes(vec![scope], call.parsed.family == Family::Dated))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether they cover changing the object types, or the schemas, that a request changes.
    fn permitted_to_write(&self, call: &Call<'_>, write: Write<'_>) -> Result<(), Problem> {
        let (types, schema) = write.types();
        let denied = |name: &String| self.denied.contains(name) || self.write_denied.contains(name);
        let lacking = types.iter().filter_map(|kind| resolve(&self.types, kind)).map(|index| &self.types[index].name);
        let scopes: Vec<String> = lacking
            .filter(|name| denied(name))
            .map(|name| format!("crm.{}.{name}.write", if schema { "schemas" } else { "objects" }))
            .collect();
        if scopes.is_empty() {
            return Ok(());
        }
        Err(Problem::missing_scopes(scopes, call.parsed.family == Family::Dated))
    }
}
