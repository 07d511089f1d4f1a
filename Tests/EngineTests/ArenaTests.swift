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
        func cells(_ place: Program.Place) -> Set<Int> {
            guard place.region == .arena else { return [] }
            let channels = place.shape.channels
            return Set((0..<max(1, place.shape.count)).map { place.offset + $0 / channels * place.pitch + $0 % channels })
        }
        /// Whether one lies in the other, as what a concatenation reads lies in it.
        func isPart(_ a: Set<Int>, _ b: Set<Int>) -> Bool { a.isSubset(of: b) || b.isSubset(of: a) }
        for (index, step) in steps.enumerated() {
            for output in step.outputs where output.region == .arena {
                let written = cells(output)
                // A place read later must have been written after this step, at the same spot.
                for later in steps[(index + 1)...] {
                    for input in later.inputs {
                        let read = cells(input)
                        guard !read.isDisjoint(with: written), !isPart(read, written) else { continue }
                        let writer = steps[(index + 1)...].contains { $0.outputs.contains { isPart(cells($0), read) && !cells($0).isEmpty } }
                        #expect(writer, "\(step.path) overwrites what \(later.path) reads")
                    }
                }
                #expect(written.max()! < program.arenaCount)
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
