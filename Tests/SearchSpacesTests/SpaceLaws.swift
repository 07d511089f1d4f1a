import Documents
import RandomStreams
import SearchSpaces
import Testing

/// Whether a construct is left anywhere in the document.
private func holdsDecision(_ document: Document) -> Bool {
    switch document.value {
    case .array(let items): items.contains(where: holdsDecision)
    case .object(let fields):
        fields.contains { ["choice", "int", "float", "repeat", "reference"].contains($0.key) || holdsDecision($0.value) }
    default: false
    }
}

@Suite struct SpaceLaws {
    /// Samples, then children of samples: genotypes of every origin.
    private func genotypes(_ space: SearchSpace, count: Int = 60) -> [Genotype] {
        var stream = RandomStream(seed: 7).split("space laws")
        var found = (0..<count).map { _ in space.sample(using: &stream) }
        for _ in 0..<count {
            let (a, b) = (found[stream.index(below: found.count)], found[stream.index(below: found.count)])
            found.append(space.mutate(a, using: &stream))
            found.append(space.crossover(a, b, using: &stream))
        }
        return found
    }

    @Test(arguments: SpaceSample.all) func everyOriginIsValid(_ sample: SpaceSample) throws {
        let space = try sample.space()
        let known = Set(space.decisions.map(\.path))
        #expect(known.count == space.decisions.count)
        for genotype in genotypes(space) {
            #expect(space.contains(genotype))
            #expect(!holdsDecision(space.resolve(genotype)))
            #expect(known.isSuperset(of: genotype.paths))
        }
    }

    @Test(arguments: SpaceSample.all) func roundTripsThroughDocuments(_ sample: SpaceSample) throws {
        let space = try sample.space()
        for genotype in genotypes(space) {
            let written = try Document.parse(genotype.document.json, file: "genotype.json")
            let read = try space.genotype(from: written)
            #expect(read == genotype)
            #expect(space.resolve(read) == space.resolve(genotype))
        }
        let again = try SearchSpace(Document.parse(space.document.yaml, file: "written.yaml"))
        #expect(again.decisions == space.decisions)
    }

    @Test(arguments: SpaceSample.all) func mutationChangesSomething(_ sample: SpaceSample) throws {
        let space = try sample.space()
        var stream = RandomStream(seed: 3)
        for genotype in genotypes(space) {
            #expect((space.mutate(genotype, using: &stream) != genotype) == (sample.size > 1))
        }
    }

    @Test(arguments: SpaceSample.all) func theStreamDecides(_ sample: SpaceSample) throws {
        let space = try sample.space()
        #expect(genotypes(space) == genotypes(space))
    }

    @Test(arguments: SpaceSample.all) func sizeIsTheNumberOfPoints(_ sample: SpaceSample) throws {
        let space = try sample.space()
        #expect(space.size == sample.size)
        guard space.size.isFinite else {
            #expect(space.allGenotypes(limit: 1_000_000) == nil)
            return
        }
        let all = try #require(space.allGenotypes(limit: 1000))
        #expect(Double(all.count) == sample.size)
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy(space.contains))
        #expect(space.allGenotypes(limit: all.count - 1) == nil)
        // Every genotype of any origin is one of them, and most are found by chance.
        let found = Set(genotypes(space, count: 400))
        #expect(found.isSubset(of: all))
        #expect(found.count > all.count / 2)
    }

    @Test(arguments: SpaceSample.all) func neighboursAreOneEditAway(_ sample: SpaceSample) throws {
        let space = try sample.space()
        for genotype in genotypes(space, count: 20) {
            let near = space.neighbours(genotype)
            #expect(Set(near).count == near.count)
            #expect(!near.contains(genotype))
            for other in near {
                #expect(space.contains(other))
                let kept = genotype.entries.filter { other[$0.path] != nil }
                #expect(kept.filter { other[$0.path] != $0.value }.count == 1)
                if sample.isFlatCategorical { #expect(space.neighbours(other).contains(genotype)) }
            }
        }
    }

    @Test(arguments: SpaceSample.all) func encodingsHaveOneLengthAndTellApart(_ sample: SpaceSample) throws {
        let space = try sample.space()
        let all = Set(genotypes(space))
        #expect(Set(all.map(space.encode)).count == all.count)
        for genotype in all {
            let code = space.encode(genotype)
            #expect(code.count == space.encodingLength)
            #expect(code.allSatisfy { (0...1).contains($0) })
        }
    }

    @Test(arguments: SpaceSample.all) func crossoverTakesFromEitherParent(_ sample: SpaceSample) throws {
        var stream = RandomStream(seed: 11)
        let space = try sample.space()
        for _ in 0..<50 {
            let (a, b) = (space.sample(using: &stream), space.sample(using: &stream))
            let child = space.crossover(a, b, using: &stream)
            for entry in child.entries { #expect(a[entry.path] == entry.value || b[entry.path] == entry.value) }
            #expect(space.crossover(a, a, using: &stream) == a)
        }
    }

    @Test func tiedPositionsAreEqual() throws {
        let space = try SpaceSample.named("tied")
        for genotype in genotypes(space) {
            let blocks = try space.resolve(genotype).required("blocks").array()
            #expect(Set(blocks).count <= 1)
        }
    }

    @Test func sharedReferencesAreEqual() throws {
        let space = try SpaceSample.named("shared")
        for genotype in genotypes(space) {
            let document = space.resolve(genotype)
            let (body, tail) = (try document.required("body").array(), try document.required("tail").array())
            #expect(body.count == tail.count)
            var widths = Set(tail)
            if let head = document["head"], head != "fixed" { widths.insert(head) }
            for block in body { if let width = block["norm"]?["width"] { widths.insert(width) } }
            #expect(widths.count == 1)
            #expect(Set(body.map { $0["norm"] }).count == 1)
        }
    }

    @Test func definitionsDecideAtEachUse() throws {
        let space = try SpaceSample.named("definitions")
        #expect(space.decisions.map(\.path).prefix(4) == ["first", "first/0.width", "blocks[0]", "blocks[0]/0.width"])
        #expect(genotypes(space).contains { $0["blocks[0]"] != $0["blocks[1]"] })
    }

    @Test func aResizedRepeatKeepsItsPositions() throws {
        let text = "halcyon: 1\ntemplate: {r: {repeat: {int: [1, 1000000]}, count: {int: [1, 6]}}}"
        let space = try SearchSpace(Document.parse(text, file: "r.yaml"))
        var stream = RandomStream(seed: 5)
        var kept = 0
        for _ in 0..<200 {
            let genotype = space.sample(using: &stream)
            let child = space.mutate(genotype, using: &stream)
            let common = genotype.entries.dropFirst().filter { child[$0.path] != nil }
            if child["r.count"] != genotype["r.count"], common.allSatisfy({ child[$0.path] == $0.value }) { kept += 1 }
        }
        #expect(kept >= 20)
    }

    @Test func numbersMoveNearby() throws {
        let space = try SearchSpace(Document.parse("halcyon: 1\ntemplate: {rate: {float: [1.0e-6, 1], scale: log}}", file: "n.yaml"))
        let middle = try space.genotype(from: ["rate": 0.001])
        var stream = RandomStream(seed: 5)
        var near = 0
        for _ in 0..<400 {
            guard case .float(let value)? = space.mutate(middle, using: &stream)["rate"] else { continue }
            if value > 1e-5, value < 1e-1 { near += 1 }
        }
        #expect(near > 330)
    }

    @Test func resolvedValuesKnowTheirPlace() throws {
        let text = "halcyon: 1\ntemplate:\n  a: {int: [1, 3]}\n  b:\n    choice: [wide]\n"
        let space = try SearchSpace(Document.parse(text, file: "place.yaml"))
        var stream = RandomStream(seed: 1)
        let document = space.resolve(space.sample(using: &stream))
        #expect(try document.required("a").location?.description == "place.yaml:3:6")
        #expect(try document.required("b").location?.description == "place.yaml:5:14")
    }
}
