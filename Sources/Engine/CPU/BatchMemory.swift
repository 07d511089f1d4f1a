import CKernels
import COneDNN

/// What a batch that is run in parts has in whole: inputs, outputs and gradients, put together from the parts' in their order,
/// so that results do not depend on how many threads run them.
final class BatchMemory {
    let inputs: [String: FloatBuffer]
    let outputs: [String: FloatBuffer]
    /// The gradients of the part that a lane ran last.
    let laneGradients: [FloatBuffer]
    private let program: Program
    private let gradients: FloatBuffer

    init(_ program: Program, gradients: GradientStore) {
        self.program = program
        self.gradients = gradients.buffer
        inputs = program.inputShapes.mapValues { FloatBuffer(count: $0.count) }
        outputs = program.outputShapes.mapValues { FloatBuffer(count: $0.count) }
        laneGradients = (0..<program.lanes).map { _ in FloatBuffer(count: gradients.buffer.count) }
    }

    /// Runs all parts, as many at once as there are lanes.
    func run(_ lanes: [ProgramLane], _ body: (ProgramLane) -> Void) {
        for first in stride(from: 0, to: program.parts, by: lanes.count) {
            let count = min(lanes.count, program.parts - first)
            for lane in 0..<count { load(part: first + lane, into: lanes[lane]) }
            if count == 1 {
                body(lanes[0])
            } else {
                runBesideEachOther(lanes, count, body)
            }
            for lane in 0..<count { collect(part: first + lane, from: lanes[lane], laneGradients[lane]) }
        }
    }

    private struct Round {
        var lanes: [ProgramLane]
        var body: (ProgramLane) -> Void
    }

    /// Runs the first `count` lanes, each on a thread whose kernels share their work with no other.
    private func runBesideEachOther(_ lanes: [ProgramLane], _ count: Int, _ body: (ProgramLane) -> Void) {
        withoutActuallyEscaping(body) { body in
            var round = Round(lanes: lanes, body: body)
            withUnsafeMutablePointer(to: &round) { round in
                halcyon_set_threads(Int32(count))
                halcyon_parallel(
                    count, 1,
                    { context, first, end, _ in
                        halcyon_set_threads(1)
                        halcyon_dnn_set_threads(1)
                        let round = context!.assumingMemoryBound(to: Round.self)
                        for lane in first..<end { round.pointee.body(round.pointee.lanes[lane]) }
                    }, round)
            }
        }
    }

    private func load(part: Int, into lane: ProgramLane) {
        for (name, place) in program.inputs {
            lane.address(place).update(from: inputs[name]!.pointer + part * place.shape.count, count: place.shape.count)
        }
    }

    private func collect(part: Int, from lane: ProgramLane, _ laneGradients: FloatBuffer) {
        let factor = 1 / Float(program.parts)
        for (name, place) in program.outputs {
            let (target, source, count) = (outputs[name]!.pointer, lane.address(place), place.shape.count)
            if place.shape.rank == 4 {
                (target + part * count).update(from: source, count: count)
            } else {
                halcyon_add_scaled(count, source, factor, part == 0 ? 0 : 1, target)
            }
        }
        halcyon_add_scaled(gradients.count, laneGradients.pointer, factor, part == 0 ? 0 : 1, gradients.pointer)
    }
}
