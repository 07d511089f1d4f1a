import Documents
import Engine
import Imaging
import Networks

/// Distillation: the mean absolute difference to what a trained network, the teacher, makes of the same noisy image:
/// `loss: {l1: 0.5, teacher: {weight: 0.5, path: runs/teacher/model.h5}}`.
///
/// Source: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015, for regression: the teacher's output stands
/// beside the clean image as a second target.
package struct TeacherLoss: LossTerm {
    package static let word = "teacher"
    package static let keys = ["path"]

    private let path: String
    private let place: Document

    init(_ settings: Document?, at place: Document) throws {
        guard let settings else {
            throw place.fail("teacher: the file of the trained network is missing", hint: "write {teacher: {weight: 0.5, path: runs/teacher/model.h5}}")
        }
        self.place = settings
        path = try settings.required("path").string("path")
    }

    package var word: String { Self.word }
    package var settings: Document { ["path": .string(path)] }

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
            let graph = try teacher.inferenceGraph(exit: teacher.exitCount - 1)
            let store = ParameterStore(graph.parameters, stream: .init(seed: 0))
            try store.load(model.tensors, path: path)
            let prefix = "loss.teacher"
            let frozen = store.namedTensors.map { NamedTensor(name: "\(prefix).\($0.name)", sizes: $0.sizes, values: $0.values) }
            return LoadedLossTerm(
                build: { student, image, target in
                    let noisy = student.input("image", channels: teacher.network.inputChannels)
                    guard let wanted = student.append(frozen: graph, prefix: prefix, inputs: ["image": noisy])["image"] else {
                        preconditionFailure("no output image")
                    }
                    return [student.apply(PixelLoss(.l1, weight: weight), image, wanted, path: "loss.teacher")]
                }, frozen: frozen)
        } catch var error as InputError {
            error.location = error.location ?? place.location
            throw error
        }
    }
}
