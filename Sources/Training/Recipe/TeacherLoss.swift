import Documents
import Engine
import Imaging
import Networks

/// Distillation: the mean absolute difference to what a trained network, the teacher, makes of the same noisy image:
/// `loss: {l1: 0.5, teacher: {weight: 0.5, path: runs/teacher/model.h5}}`.
///
/// With `features: [block2]`, or `{block2: block5}` where its parts are called otherwise, also the mean squared differences of what these
/// parts of both networks put out, each times `feature-weight` (1). See `FeatureHint`.
///
/// Source: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015, for regression: the teacher's output stands
/// beside the clean image as a second target.
package struct TeacherLoss: LossTerm {
    package static let word = "teacher"
    package static let keys = ["path", "features", "feature-weight"]

    private let path: String
    /// The student's parts and the teacher's, as they stand in the recipe.
    private let features: [(student: Document, teacher: Document)]
    private let featureWeight: Double
    private let place: Document

    init(_ settings: Document?, at place: Document) throws {
        guard let settings else {
            throw place.fail("teacher: the file of the trained network is missing", hint: "write {teacher: {weight: 0.5, path: runs/teacher/model.h5}}")
        }
        self.place = settings
        path = try settings.required("path").string("path")
        featureWeight = try settings.optional("feature-weight")?.double("feature-weight", in: 1e-12...1e12) ?? 1
        guard let list = try settings.optional("features") else {
            features = []
            return
        }
        if case .object(let fields) = list.value {
            features = fields.map { (Document(.string($0.key), at: $0.keyLocation ?? list.location), $0.value) }
        } else {
            features = try list.array("features").map { ($0, $0) }
        }
        let names = try features.map { pair in
            _ = try pair.teacher.string("features")
            return try pair.student.string("features")
        }
        guard !names.isEmpty, Set(names).count == names.count else {
            throw list.fail("features: expected different parts of the network, at least one", hint: "for example [block2], or {block2: block5}")
        }
    }

    package var word: String { Self.word }
    package var settings: Document {
        var settings: Document = ["path": .string(path)]
        guard !features.isEmpty else { return settings }
        settings["features"] = .object(features.compactMap { pair in
            guard case .string(let student) = pair.student.value, case .string(let teacher) = pair.teacher.value else { return nil }
            return (student, .string(teacher))
        })
        settings["feature-weight"] = .float(featureWeight)
        return settings
    }

    package func loaded(for architecture: Architecture, weight: Double) throws -> LoadedLossTerm {
        do {
            let model = try ModelFile.read(path)
            let teacher = try Architecture(model.architecture)
            guard teacher.network.inputChannels == architecture.network.inputChannels else {
                throw InputError(
                    file: path, "takes images of \(teacher.network.inputChannels) channels, the network that learns from it \(architecture.network.inputChannels)",
                    hint: "gray networks learn from gray ones, colour networks from colour ones")
            }
            // Batch norm by its running statistics; of a dynamic network, full depth.
            var graph = try teacher.inferenceGraph(exit: teacher.exitCount - 1)
            let hints = try features.enumerated().map { number, pair in
                try FeatureHint(number + 1, student: pair.student, of: architecture, teacher: pair.teacher, of: teacher, graph)
            }
            for hint in hints { graph.outputs.append((hint.name, hint.teacherValue)) }
            let store = ParameterStore(graph.parameters, stream: .init(seed: 0))
            try store.load(model.tensors, path: path)
            let prefix = "loss.teacher"
            let frozen = store.namedTensors.map { NamedTensor(name: "\(prefix).\($0.name)", sizes: $0.sizes, values: $0.values) }
            let (complete, featureWeight) = (graph, featureWeight)
            return LoadedLossTerm(
                build: { student, images, target in
                    let noisy = student.input("image", channels: teacher.network.inputChannels)
                    let found = student.append(frozen: complete, prefix: prefix, inputs: ["image": noisy])
                    guard let wanted = found["image"] else { preconditionFailure("no output image") }
                    let outputs = images.map { student.apply(PixelLoss(.l1, weight: weight), $0, wanted, path: "loss.teacher") }
                    return outputs + hints.map { $0.loss(&student, found, weight: featureWeight) }
                }, frozen: frozen, parts: hints.map { ($0.name, $0.part) })
        } catch var error as InputError {
            error.location = error.location ?? place.location
            throw error
        }
    }
}
