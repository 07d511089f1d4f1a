import Documents

/// What an experiment says about its training or validation pictures:
/// `{kind: folder, path: "${HALCYON_DATA}/Train400", crop: 48}`, `{kind: dead-leaves, images: 256, size: 128, sigmas: [25]}`; validation
/// pictures may have `noise: {kind: poisson, peak: 30}` instead of `sigmas`, and pairs have neither.
package struct DatasetDescription: Sendable {
    package enum Role: String, Sendable {
        case training, validation
    }

    package let role: Role
    package let kind: any DatasetKind
    /// Training: the side of the square patches, 48 unless said. Validation: the side of the centre crop, nil for whole pictures.
    package let crop: Int?
    /// Validation: what quality is measured under; empty for training.
    package let conditions: [EvaluationCondition]
    private let document: Document

    package static let defaultTrainingCrop = 48

    /// Reads a description; every fault is an `InputError` at its place.
    package init(parsing document: Document, as role: Role, in place: DatasetPlace) throws {
        let word = try document.required("kind").word("kind", of: datasetKinds.map { $0.word })
        guard let kind = datasetKinds.first(where: { $0.word == word }) else { preconditionFailure("a listed word") }
        try document.allowOnly(["kind", "crop"] + (role == .validation ? ["sigmas", "noise"] : []) + kind.keys)
        self.role = role
        self.document = document
        self.kind = try kind.init(parsing: document, in: place)
        let crop = try document.optional("crop")?.int("crop", in: 1...65_536)
        switch role {
        case .training:
            self.crop = crop ?? Self.defaultTrainingCrop
            conditions = []
        case .validation:
            self.crop = crop
            conditions = try Self.conditions(document, isPaired: self.kind.isPaired)
        }
    }

    private static func conditions(_ document: Document, isPaired: Bool) throws -> [EvaluationCondition] {
        let noise = try document.optional("noise"), sigmas = try document.optional("sigmas")
        if isPaired {
            if let extra = noise ?? sigmas {
                throw extra.fail("pairs have their own noise", hint: "leave `sigmas` and `noise` out")
            }
            return [.recorded]
        }
        if let noise {
            guard sigmas == nil else { throw noise.fail("noise: stands beside sigmas", hint: "keep one of them") }
            return [.model(try parseNoiseModel(noise))]
        }
        let list = try document.required("sigmas")
        let levels = try list.array("sigmas").map { try $0.double("sigmas", in: 0...255) }
        guard !levels.isEmpty, Set(levels).count == levels.count else {
            throw list.fail("sigmas: expected different noise levels, at least one", hint: "for example [25]")
        }
        return levels.map { .sigma($0) }
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

    /// How many pictures there are; those that are generated are not drawn.
    package func pictureCount() throws -> Int { try kind.knownCount ?? open(channels: 1, seed: 0).count }

    /// Opens the pictures; validation pictures come cropped. Draws of a kind depend on `seed` and the role only, so
    /// that training and validation sets of one experiment never share a generated picture.
    /// - Throws: `InputError` at the description's place, naming the file at fault.
    package func open(channels: Int, seed: UInt64) throws -> ImageSet {
        do {
            let set = try kind.open(channels: channels, seed: seed, role: role)
            guard let crop else { return set }
            for i in 0..<set.count where set.size(i).height < crop || set.size(i).width < crop {
                let image = set.size(i)
                throw (document["crop"] ?? document).fail(
                    "\(set.name(i)) has \(image.height)x\(image.width) pixels, less than the crop of \(crop)",
                    hint: "choose a smaller crop, or take the small pictures out")
            }
            guard role == .validation else { return set }
            return try set.centreCropped(crop)
        } catch var error as InputError {
            error.location = error.location ?? document.location
            throw error
        }
    }
}
