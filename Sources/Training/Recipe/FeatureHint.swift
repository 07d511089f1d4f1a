import Documents
import Engine
import Networks

/// A teacher's hint: that what a part of the student puts out, after a learned 1x1 convolution where the channels differ, comes near what
/// a part of the teacher does.
///
/// Source: Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: hints for thin deep nets", 2015, eq. 3, with a mean instead of half a
/// sum, all through the training instead of before it. The convolution, `loss.hint{number}.weight` `[teacher's channels, student's, 1, 1]`
/// and `.bias`, is trained and kept in checkpoints, and is no part of the network.
struct FeatureHint: Sendable {
    /// `hint1`, ...: the output of both networks.
    let name: String
    /// In the teacher's graph.
    let teacherValue: ValueID
    /// The student's.
    let part: String
    private let channels: (student: Int, teacher: Int)

    /// - Parameters:
    ///   - student, teacher: the names of parts, in the places that errors tell.
    ///   - graph: the teacher's.
    /// - Throws: `InputError` where there is no such part, or the maps differ in size.
    init(
        _ number: Int, student: Document, of architecture: Architecture, teacher: Document, of teacherArchitecture: Architecture, _ graph: Graph
    ) throws {
        name = "hint\(number)"
        part = try student.string("features")
        let side = Self.side(architecture, teacherArchitecture)
        let (_, ours) = try Self.feature(student, "the network", architecture, buildGraph(architecture), side)
        let (value, theirs) = try Self.feature(teacher, "the teacher", teacherArchitecture, graph, side)
        guard ours.height == theirs.height, ours.width == theirs.width else {
            throw student.fail(
                "features: of images of \(side)x\(side), \(part) is a map of \(ours.height)x\(ours.width), the teacher's \(try teacher.string()) of \(theirs.height)x\(theirs.width)",
                hint: "choose parts that work at the same scale")
        }
        teacherValue = value
        channels = (ours.channels, theirs.channels)
    }

    /// A size of images that both networks take unpadded.
    private static func side(_ a: Architecture, _ b: Architecture) -> Int {
        let common = leastCommonMultiple([a.network.sizeMultiple, b.network.sizeMultiple])
        return (63 + common) / common * common
    }

    /// What a part puts out: a feature map.
    private static func feature(
        _ part: Document, _ whose: String, _ architecture: Architecture, _ graph: Graph, _ side: Int
    ) throws -> (ValueID, Shape) {
        let name = try part.string("features")
        guard let value = graph.output(ofPart: name) else {
            let names = graph.parts
            throw part.fail(
                "features: \(whose) has no part \"\(name)\"",
                hint: nearestWord(to: name, in: names).map { "did you mean \"\($0)\"?" } ?? "it has: \(names.joined(separator: ", "))")
        }
        let shape = try graph.shapes(inputs: architecture.inputShapes(height: side, width: side, batch: 1))[value.index]
        guard shape.rank == 4 else { throw part.fail("features: \(name) of \(whose) is no feature map", hint: "choose another part") }
        return (value, shape)
    }

    /// Adds the hint's loss to a student's training graph, of which the part's value is the output `name`, and is none any more then.
    /// - Parameter teacher: the outputs of the teacher's graph, this hint's among them.
    func loss(_ graph: inout Graph, _ teacher: [String: ValueID], weight: Double) -> ValueID {
        guard var feature = graph.output(name), let wanted = teacher[name] else { preconditionFailure("marked and appended before") }
        graph.outputs.removeAll { $0.name == name }
        if channels.student != channels.teacher {
            let matrix = graph.parameter(
                "loss.\(name).weight", shape: [channels.teacher, channels.student, 1, 1],
                initializer: .heNormal(fanIn: channels.student, gain: 0.5.squareRoot()))
            let bias = graph.parameter("loss.\(name).bias", shape: [channels.teacher], initializer: .constant(0))
            feature = graph.apply(Convolution(), feature, matrix, bias, path: "loss.\(name)")
        }
        return graph.apply(PixelLoss(.l2, weight: weight), feature, wanted, path: "loss.\(name).difference")
    }
}
