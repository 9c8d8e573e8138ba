//! What changes do to JSON documents.

use super::Subject;
use crate::keyspace::Value;
use crate::keyspace::json::{Document, Edit, Json, Place};
use std::sync::Arc;

impl Subject<'_> {
    pub(super) fn edit_json(&self, place: &Place, edit: Edit) {
        let makes = place.is_root() && matches!(edit, Edit::Set(_));
        let make = || makes.then(|| Value::Json(Arc::new(Document::new(Json::Null))));
        self.alter_or_make(make, |value| {
            if let Value::Json(document) = value {
                match edit {
                    // Not altered but replaced: what a reader or a running save still holds is not copied first.
                    Edit::Set(root) if makes => *document = Arc::new(Document::new(root)),
                    edit => drop(Arc::make_mut(document).edit(place, edit)),
                }
            }
        });
    }
}
