import Documents

/// What an experiment says about its training or validation pictures:
/// `{kind: folder, path: "${HALCYON_DATA}/Train400", crop: 48}`, `{kind: dead-leaves, images: 256, size: 128, sigmas: [25]}`.
package struct DatasetDescription: Sendable {
    package enum Role: String, Sendable {
        case training, validation
    }

    package let role: Role
    package let kind: any DatasetKind
    /// Training: the side of the square patches, 48 unless said. Validation: the side of the centre crop, nil for whole pictures.
    package let crop: Int?
    /// Validation: the noise levels at which quality is measured, on the 0...255 scale; empty for training.
    package let sigmas: [Double]
    private let document: Document

    package static let defaultTrainingCrop = 48

    /// Reads a description; every fault is an `InputError` at its place.
    package init(parsing document: Document, as role: Role, in place: DatasetPlace) throws {
        let word = try document.required("kind").word("kind", of: datasetKinds.map { $0.word })
        guard let kind = datasetKinds.first(where: { $0.word == word }) else { preconditionFailure("a listed word") }
        try document.allowOnly(["kind", "crop"] + (role == .validation ? ["sigmas"] : []) + kind.keys)
        self.role = role
        self.document = document
        self.kind = try kind.init(parsing: document, in: place)
        let crop = try document.optional("crop")?.int("crop", in: 1...65_536)
        switch role {
        case .training:
            self.crop = crop ?? Self.defaultTrainingCrop
            sigmas = []
        case .validation:
            self.crop = crop
            let list = try document.required("sigmas")
            sigmas = try list.array("sigmas").map { try $0.double("sigmas", in: 0...255) }
            guard !sigmas.isEmpty else { throw list.fail("sigmas: at least one noise level is needed", hint: "for example [25]") }
        }
    }

    /// Finds at once what would fail each training: no folder, no picture, a damaged one, one that is less than the crop. Pictures
    /// that are generated are not drawn.
    /// - Throws: `InputError` at the description's place.
    package func check() throws {
        guard let side = kind.knownSide else {
            _ = try open(channels: 1, seed: 0)
            return
        }
        if let crop, crop > side {
            throw (document["crop"] ?? document).fail(
                "crop: expected at most the size of the pictures, \(side), found \(crop)", hint: "choose a smaller crop or a larger size")
        }
    }

    /// Opens the pictures; validation pictures come cropped. Draws of a kind depend on `seed` and the role only, so
    /// that training and validation sets of one experiment never share a generated picture.
    /// - Throws: `InputError` at the description's place, naming the file at fault.
    package func open(channels: Int, seed: UInt64) throws -> ImageSet {
        do {
            let set = try kind.open(channels: channels, seed: seed, role: role)
            guard let crop else { return set }
            for i in 0..<set.count where set.image(i).height < crop || set.image(i).width < crop {
                let image = set.image(i)
                throw (document["crop"] ?? document).fail(
                    "\(set.name(i)) has \(image.height)x\(image.width) pixels, less than the crop of \(crop)",
                    hint: "choose a smaller crop, or take the small pictures out")
            }
            guard role == .validation else { return set }
            return ImageSet((0..<set.count).map { (set.name($0), set.image($0).centreCropped(crop)) })
        } catch var error as InputError {
            error.location = error.location ?? document.location
            throw error
        }
    }
}
