import ArgumentParser
import Documents
import Execution
import Foundation
import Reporting
import Search
import SearchSpaces
import Synchronization
import Trials

extension BenchCommand {
    struct Strategies: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "search",
            abstract: "Judges strategies on tables and formulas: the hypervolume that they find, as a part of the best there is.",
            discussion: """
                Each strategy searches each experiment (data of kind table) with each seed in virtual time, in this process. What it finds \
                is judged by the table's means at the last rung. The figures are means over experiments and seeds, with 95 % intervals over \
                seeds; p is that of the Mann-Whitney test against nsga2.

                --problem names problems of the literature, whose objectives are formulas: \(problemCatalogue.map(\.name).joined(separator: ", ")). \
                --strategy gives a strategy's own settings, in this place and in that of --strategies.

                --runs writes one JSON object a run: {"experiment", "strategy", "seed", "costs": [...], "ratios": [...]}, an entry a \
                complete trial; --beside reads runs of other programs in that form and puts them into the table and the picture.

                EXAMPLES
                  halcyon bench search Experiments/search-quality/nasbench201-*.yaml --picture nasbench201.svg
                  halcyon bench search Experiments/search-quality/macro.yaml --strategies random,nsga2 --seeds 10 --trials 100
                  halcyon bench search full.yaml asha.yaml --by cost --at 20000,60000 --apart
                  halcyon bench search --problem zdt1,dtlz2 --strategy '{kind: nsga2, population: 100}' --trials 5000
                """)

        enum Axis: String, CaseIterable, ExpressibleByArgument { case trials, cost }

        @Argument(help: ArgumentHelp("Experiments on tables.", valueName: "EXPERIMENT.yaml")) var experiments: [String] = []
        @Option(help: ArgumentHelp("Problems of the literature, with commas between.", valueName: "NAME,...")) var problem: String?
        @Option(help: ArgumentHelp("Strategies, with commas between (default: all).", valueName: "KIND,...")) var strategies:
            String?
        @Option(help: ArgumentHelp("Settings of a strategy (may be given several times).", valueName: "'{kind: KIND, ...}'"))
        var strategy: [String] = []
        @Option(help: "Seeds of each, from 1.") var seeds = 30
        @Option(help: "Trials of a search (default: the experiment's; of a problem 200).") var trials: Int?
        @Option(help: "Virtual workers (default: the experiment's, or one).") var workers: Int?
        @Option(
            help:
                "What --at and the picture count: \(Axis.allCases.map(\.rawValue).joined(separator: ", ")) (units of the resource)."
        ) var by = Axis.trials
        @Option(help: ArgumentHelp("Where the ratios are told (default: a third of the way, and the end).", valueName: "N,..."))
        var at: String?
        @Option(help: ArgumentHelp("Tells where each first has this ratio in the mean.", valueName: "RATIO")) var level: Double?
        @Flag(help: "A line for each experiment instead of the mean over all.") var apart = false
        @Option(help: "Searches at once (default: the number of cores).") var threads: Int?
        @Option(help: ArgumentHelp("Runs of other programs.", valueName: "FILE")) var beside: [String] = []
        @Option(help: ArgumentHelp("Writes every run.", valueName: "FILE")) var runs: String?
        @Option(help: ArgumentHelp("Draws the mean ratios.", valueName: "FILE.svg")) var picture: String?
        @Flag(help: "One JSON object a line of the table.") var json = false

        func validate() throws {
            guard (1...10_000).contains(seeds) else { throw ValidationError("--seeds: expected 1 to 10000, found \(seeds)") }
            let names = problem?.split(separator: ",").map(String.init) ?? []
            guard !experiments.isEmpty || !names.isEmpty else { throw ValidationError("expected at least one experiment or --problem") }
            for name in names where AnalyticProblem(named: name) == nil {
                let known = problemCatalogue.map(\.name).joined(separator: ", ")
                throw ValidationError("--problem: expected some of \(known), found \(name)")
            }
            for (name, value) in [("--trials", trials), ("--workers", workers), ("--threads", threads)] {
                if let value, value < 1 { throw ValidationError("\(name): expected at least 1, found \(value)") }
            }
            if let at, at.split(separator: ",").contains(where: { Double($0).map { $0 <= 0 } ?? true }) {
                throw ValidationError("--at: expected numbers with commas between, found \(at)")
            }
            let kinds = strategyCatalogue.map { $0.kind }
            for word in strategies?.split(separator: ",") ?? [] where !kinds.contains(String(word)) {
                throw ValidationError("--strategies: expected some of \(kinds.joined(separator: ", ")), found \(word)")
            }
        }

        /// What all searches of one experiment share.
        private struct Subject {
            let name: String
            let settings: StudySettings
            let space: SearchSpace
            let judge: any SearchSubject
            let best: Double
            let charge: SimulatedExecutor.Charge
        }

        func run() throws {
            for file in [runs, picture].compactMap({ $0 }) { try checkWritable(file) }
            let problems = problem?.split(separator: ",").compactMap { AnalyticProblem(named: String($0)) } ?? []
            let subjects = try experiments.map(subject) + problems.map(subject)
            let given = try strategy.map { try Document.parse($0, file: "--strategy") }
            let own = try given.map { try $0.required("kind").word("kind", of: strategyCatalogue.map { $0.kind }) }
            let named = strategies?.split(separator: ",").map(String.init) ?? (own.isEmpty ? strategyCatalogue.map { $0.kind } : [])
            // Two settings of one kind are told apart by what they set.
            var contenders = zip(own, given).map { kind, settings in
                Contender(name: own.count { $0 == kind } > 1 ? settings.json : kind, kind: kind, settings: settings)
            }
            contenders += named.filter { !own.contains($0) }.map { Contender(name: $0, kind: $0) }
            let others = try beside.flatMap(SearchRecord.load)
            let tasks = contenders.flatMap { contender in
                subjects.flatMap { subject in (1...seeds).map { (subject: subject, contender: contender, seed: $0) } }
            }
            let records = try perform(tasks)
            if let runs { try replaceFile(runs, with: Array(records.map { $0.document.json + "\n" }.joined().utf8)) }
            let names = Set(subjects.map(\.name))
            let table = SearchComparison(
                records + others.filter { names.contains($0.experiment) }, byCost: by == .cost, apart: apart,
                at: at?.split(separator: ",").compactMap { Double($0) }, level: level)
            print(json ? table.lines.map(\.json).joined(separator: "\n") : table.text)
            if let picture { try replaceFile(picture, with: Array(table.plot.svg.utf8)) }
        }

        private func subject(_ path: String) throws -> Subject {
            var experiment = try ResolvedExperiment(path: path)
            experiment.override("trials", in: "budget", with: trials.map(Document.int))
            experiment.override("workers", with: workers.map(Document.int))
            let settings = try experiment.settings()
            guard let table = try experiment.table() else {
                throw InputError(file: path, "has no table to be judged by", hint: "write data: {kind: table, ...}")
            }
            guard settings.budget.trials != nil else {
                throw try experiment.document.required("budget").fail(
                    "budget: a search in virtual time needs trials", hint: "name --trials")
            }
            let truth = table.hypervolume(settings)
            guard truth > 0 else {
                throw try experiment.document.required("objectives").fail(
                    "objectives: nothing in the table is within the references", hint: "raise them to a bad value of each metric")
            }
            let simulation = try experiment.document.optional("simulation")
            return Subject(
                name: settings.name, settings: settings, space: try experiment.space(), judge: table, best: truth,
                charge: simulation == nil ? .constant(0) : try SimulatedExecutor.Charge(simulation))
        }

        private func subject(_ problem: AnalyticProblem) throws -> Subject {
            var settings = try problem.settings
            settings.budget.trials = trials ?? settings.budget.trials
            settings.workers = workers ?? settings.workers
            return Subject(
                name: problem.name, settings: settings, space: try problem.space, judge: problem, best: problem.hypervolume,
                charge: .constant(0))
        }

        /// A strategy with its own settings or an experiment's, and its name in the table.
        private struct Contender: Sendable {
            var name: String
            var kind: String
            var settings: Document?
        }

        private func perform(_ tasks: [(subject: Subject, contender: Contender, seed: Int)]) throws -> [SearchRecord] {
            let results = Mutex<[Int: Result<SearchRecord, any Error>]>([:])
            let next = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: min(threads ?? ProcessInfo.processInfo.activeProcessorCount, tasks.count))
            { _ in
                while true {
                    let index = next.withLock { next in
                        next += 1
                        return next - 1
                    }
                    guard index < tasks.count else { return }
                    let (subject, contender, seed) = tasks[index]
                    let result = Result<SearchRecord, any Error> {
                        var settings = subject.settings
                        settings.seed = seed
                        if let given = contender.settings {
                            settings.strategy = given
                        } else if settings.strategy["kind"] != .string(contender.kind) {
                            settings.strategy = ["kind": .string(contender.kind)]
                        }
                        let run = try SearchRun(
                            settings, space: subject.space, subject: subject.judge, best: subject.best, charge: subject.charge)
                        return SearchRecord(experiment: subject.name, strategy: contender.name, seed: seed, run: run)
                    }
                    results.withLock { $0[index] = result }
                }
            }
            let found = results.withLock { $0 }
            return try tasks.indices.compactMap { try found[$0]?.get() }
        }
    }
}
