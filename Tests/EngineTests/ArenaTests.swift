import Engine
import RandomStreams
import Testing

@Suite struct ArenaTests {
    /// While an instruction runs, no output may lie over memory that something still needs.
    @Test(arguments: [false, true]) func noValueIsOverwrittenWhileNeeded(_ fusion: Bool) throws {
        let size: Shape = [2, 9, 7, 1]
        let program = try Compiler.compileTraining(
            sampleNetwork(), loss: PixelLoss(.l2), inputs: ["image": size, "target": size], options: CompileOptions(fusion: fusion))
        let steps = program.preparation + program.body
        func range(_ place: Program.Place) -> Range<Int>? {
            place.region == .arena ? place.offset..<place.offset + max(1, place.shape.count) : nil
        }
        for (index, step) in steps.enumerated() {
            for output in step.outputs {
                guard let written = range(output) else { continue }
                // A place read later must have been written after this step, at the same spot.
                for later in steps[(index + 1)...] {
                    for input in later.inputs {
                        guard let read = range(input), read.overlaps(written), read != written else { continue }
                        let writer = steps[(index + 1)...].firstIndex { $0.outputs.contains { range($0) == read } }
                        #expect(writer != nil, "\(step.path) overwrites what \(later.path) reads")
                    }
                }
                #expect(written.upperBound <= program.arenaCount)
            }
        }
    }

    @Test func memoryIsReused() throws {
        let size: Shape = [1, 64, 64, 1]
        let graph = sampleNetwork().forInference()
        let program = try Compiler.compile(graph, inputs: ["image": size])
        let everything = program.body.flatMap(\.outputs).reduce(0) { $0 + $1.shape.count }
        #expect(program.arenaCount < everything)
    }
}
