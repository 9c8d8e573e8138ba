//! What was known of recall: back to the collections and fields that it speaks of. Whatever is damaged of it is dropped, and measured
//! anew when somebody needs it.

use super::{DamagedPart, Loader, Located};
use crate::keyspace::calibration::SavedCalibration;
use crate::keyspace::collection::Collection;
use crate::persistence::snapshot::SnapshotError;
use crate::persistence::snapshot::calibrations;
use crate::persistence::snapshot::image::{Kind, Place};

impl Loader<'_> {
    /// Tells a collection, which has the name of its key now, what was known of its recall.
    pub(super) fn calibrate(&self, key: &[u8], collection: &Collection) {
        let place = Place {
            kind: Kind::Calibration,
            owner: collection.id(),
            part: 0,
            piece: 0,
        };
        let Some(image) = self.manifest.images.get(&place) else {
            return;
        };
        let schema = collection.schema();
        let dims = [schema.index.dim, schema.input_dim()];
        match self.calibration((place, image), &dims) {
            Ok(saved) => {
                let (index, inserts) = (collection.index(), collection.inserts());
                collection.calibration().load(saved, index, inserts);
            }
            Err(why) => self.note(DamagedPart::Calibration, key, &why),
        }
    }

    /// Tells an index over documents, which is whole, what was known of the recall of its fields.
    pub(super) fn calibrate_fields(&self, owner: u64, name: &[u8]) {
        let Some(index) = self.keyspace.indexes().get(name) else {
            return;
        };
        let images = self.images(Kind::FieldCalibration);
        for image in images.filter(|(place, _)| place.owner == owner) {
            let field = image.0.piece as usize;
            let vectors = index.vectors(field);
            let saved = match vectors {
                Some(vectors) => self.calibration(image, &[vectors.options().dim]),
                None => Err(self.contradiction("recall is known of a field without vectors")),
            };
            match saved {
                Ok(saved) => index.load_calibration(field, saved),
                Err(why) => self.note(DamagedPart::Calibration, name, &why),
            }
        }
    }

    fn calibration(
        &self,
        image: Located<'_>,
        dims: &[u32],
    ) -> Result<SavedCalibration, SnapshotError> {
        self.read(image, |payload| calibrations::decode(payload, dims))
    }
}
