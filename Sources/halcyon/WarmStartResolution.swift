import Documents
import Evaluation
import Foundation
import Imaging
import Networks
import RandomStreams
import Search
import SearchSpaces
import Training
import Trials

/// Turns an experiment's `warm-start:` into one that needs no other file: the architectures that it names, or that stand as references
/// beside the space, become `trials` with their decisions in the space.
struct WarmStartResolution {
    private let experiment: ResolvedExperiment
    let space: SearchSpace
    let inspector: any CandidateInspector
    private let training: TrainingExperiment?
    private let constraints: [Constraint]
    private(set) var trials: [WarmStart.Given] = []
    /// What became of the references that do not enter.
    private(set) var notes: [String] = []
    private var hashes: Set<String> = []

    init(_ experiment: ResolvedExperiment) throws {
        self.experiment = experiment
        space = try experiment.space()
        inspector = try experiment.inspector(experiment.table())
        training = try experiment.trainsNetworks() ? experiment.training() : nil
        constraints = try experiment.settings().constraints
    }

    /// Adds an architecture that the experiment names, as a file or in place.
    /// - Throws: `InputError` where it cannot be a trial.
    mutating func add(named item: Document) throws {
        guard case .string = item.value else { return try add(item, name: "given", at: item) }
        let place = DatasetPlace(baseFolder: experiment.folder, environment: ProcessInfo.processInfo.environment)
        let path = try place.path(item)
        guard FileManager.default.fileExists(atPath: path) else {
            throw item.fail("architectures: no such file: \(path)", hint: "name an architecture's file, from the experiment's folder on")
        }
        try add(Document.load(path), name: Self.name(path), at: item)
    }

    /// Adds the references of a folder that meet the bounds and take pictures of the channels that the space's networks take.
    mutating func addReferences(of folder: String) throws {
        var stream = RandomStream(seed: 0)
        let sample = space.resolve(space.sample(using: &stream))
        let channels = training == nil ? nil : (try? Architecture(sample))?.network.inputChannels
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where file.hasSuffix(".yaml") {
            let document = try Document.load("\(folder)/\(file)")
            if let channels, try Architecture(document).network.inputChannels != channels {
                notes.append("\(Self.name(file)) does not enter: its pictures have other channels than the space's")
                continue
            }
            do {
                try add(document, name: Self.name(file), at: document)
            } catch let error as InputError {
                notes.append("does not enter: \(error.message)")
            }
        }
    }

    private static func name(_ path: String) -> String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }

    private mutating func add(_ document: Document, name: String, at place: Document) throws {
        let name = try document.optional("name")?.string("name") ?? name
        let genotype = try genotype(of: document)
        let candidate = genotype.map(space.resolve) ?? document
        let inspection: CandidateInspection
        do {
            inspection = try inspector.inspect(candidate)
        } catch let error as InputError {
            throw place.fail("\(name): \(error.message)", hint: error.hint)
        }
        for constraint in constraints {
            guard let value = inspection.metrics[constraint.metric], !constraint.allows(value) else { continue }
            throw place.fail("\(name): its \(constraint.metric), \(value), breaks the experiment's constraint", hint: "loosen the constraint, or leave it out")
        }
        guard hashes.insert(inspection.candidateHash).inserted else { return }
        trials.append(WarmStart.Given(name: name, candidate: candidate, genotype: genotype?.document))
        if genotype == nil { notes.append("\(name) is no point of the space: it is trained, and the strategy is told nothing of it") }
    }

    /// The point of the space that is the same network with the same training, nil where there is none. Training settings that the document
    /// leaves open are the recipe's.
    func genotype(of document: Document) throws -> Genotype? {
        guard let training else { return space.genotypes(matching: document).first { space.resolve($0) == document } }
        let architecture = try Architecture(document)
        let recipe = try training.recipe.overridden(by: architecture.training).document
        var settings: Document = [:]
        for key in Recipe.candidateKeys { settings[key] = recipe[key] }
        let full: Document = ["halcyon": 1, "network": architecture.network.document, "training": settings]
        return space.genotypes(matching: full).first { genotype in
            guard let found = try? Architecture(space.resolve(genotype)), found.architectureHash == architecture.architectureHash,
                let own = try? training.recipe.overridden(by: found.training).document
            else { return false }
            return own == recipe
        }
    }
}

extension ResolvedExperiment {
    /// Reads what `warm-start:` names into the experiment.
    /// - Returns: what is worth a note.
    mutating func resolveWarmStart() throws -> [String] {
        guard let section = try document.optional("warm-start") else { return [] }
        var resolved = try WarmStart(section)
        var resolution = try WarmStartResolution(self)
        for item in try section.optional("architectures")?.array("architectures") ?? [] { try resolution.add(named: item) }
        if let asked = try section.optional("references"), try asked.bool("references") {
            guard let spaceFolder else {
                throw asked.fail("references: the space stands in the experiment, so there is no folder beside it", hint: "name files under architectures")
            }
            let folder = spaceFolder + "/references"
            guard FileManager.default.fileExists(atPath: folder) else {
                throw asked.fail("references: there is no folder \(folder)", hint: "name files under architectures")
            }
            try resolution.addReferences(of: folder)
        }
        resolved.trials += resolution.trials
        var result: Document = [:]
        if let study = try section.optional("study") { result["study"] = try Self.absolute(study, in: folder) }
        result["trials"] = .array(resolved.trials.map(\.document))
        document["warm-start"] = Document(result.value, at: section.location)
        return resolution.notes
    }
}
