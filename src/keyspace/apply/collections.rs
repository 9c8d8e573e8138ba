//! What changes do to collections and their elements.

use super::Subject;
use crate::index::LinkOptions;
use crate::keyspace::Value;
use crate::keyspace::change::Upsert;
use crate::keyspace::collection::{Collection, Schema};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Subject<'_> {
    pub(super) fn create_collection(&self, schema: Schema) -> Arc<Collection> {
        let collection = Arc::new(Collection::new(
            self.keyspace.draw_collection_id(),
            schema,
            self.keyspace.seed(),
            Arc::clone(self.keyspace.save_clock()),
            Arc::clone(self.keyspace.column_budget()),
        ));
        self.put(Value::Collection(Arc::clone(&collection)), None);
        collection
    }

    pub(super) fn upsert(&self, upsert: Upsert) {
        let collection = match (self.collection(), upsert.schema) {
            (Some(collection), _) => collection,
            (None, Some(schema)) => self.create_collection(schema),
            (None, None) => return,
        };
        let options = LinkOptions {
            ef: upsert.ef,
            force_graph: self.keyspace.force_graph.load(Ordering::Relaxed),
        };
        let (element, vector, attributes) = (upsert.element, upsert.vector, upsert.attributes);
        collection.upsert(&element, &vector, options, attributes, self.number);
    }

    pub(super) fn set_attributes(&self, element: &[u8], attributes: &[u8]) {
        if let Some(collection) = self.collection() {
            collection.set_attributes(element, attributes, self.number);
        }
    }

    /// A collection that was not declared goes with its last element.
    pub(super) fn remove_element(&self, element: &[u8]) {
        let Some(collection) = self.collection() else {
            return;
        };
        let is_removed = collection.remove(element, self.number);
        if is_removed && collection.is_empty() && !collection.schema().declared {
            self.delete();
        }
    }

    fn collection(&self) -> Option<Arc<Collection>> {
        match self.database.peek(self.key)?.value {
            Value::Collection(collection) => Some(collection),
            _ => None,
        }
    }
}
