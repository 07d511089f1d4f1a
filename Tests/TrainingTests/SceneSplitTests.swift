import Documents
import Foundation
import Imaging
import Testing
import Training

/// An experiment does not measure on the scenes that it trains on.
@Suite struct SceneSplitTests {
    @Test func sharedScenesAreRefused() throws {
        try Samples.withFolder { folder in
            for (number, scene) in ["toy", "toy", "door", "wall"].enumerated() {
                for end in ["real", "mean"] { try Samples.colours.save("\(folder)/Canon_\(scene)_\(number)_\(end).png") }
            }
            func read(train: String, validation: String) throws -> TrainingExperiment {
                func pairs(_ rest: String) -> String {
                    "{kind: pairs, path: \(folder), noisy: \"*_real.png\", clean: \"*_mean.png\", crop: 8, scene: \"(*)_(*)_*\"\(rest)}"
                }
                let text = "halcyon: 1\ndata:\n  train: \(pairs(train))\n  validation: \(pairs(validation))\nrecipe: {steps: 2}\n"
                return try TrainingExperiment(Document.parse(text, file: "e.yaml"), environment: [:], baseFolder: "")
            }
            let split = try read(train: ", folds: 3, take: [2, 3]", validation: ", folds: 3, take: [1]")
            #expect(try split.validation.kind.scenes() == ["Canon door"])
            #expect(try split.train.kind.scenes() == ["Canon toy", "Canon wall"])
            for (train, validation) in [("", ", folds: 3, take: [2]"), (", only: [\"*_0\"]", ", only: [\"*_1\"]")] {
                let error = try #require(throws: InputError.self) { try read(train: train, validation: validation) }
                #expect(error.location?.line == 4 && error.message.contains("the scene \"Canon toy\" is in the training"), "\(error)")
            }
        }
    }
}
