import Engine

/// `grad_norm`: the sum over weight tensors of the Euclidean norm of the loss's gradient on one batch (Abdelfattah et al., "Zero-cost
/// proxies for lightweight NAS", ICLR 2021, section 3.2). The loss is the recipe's, where they have the cross entropy; batch norm uses the
/// batch's statistics.
let gradientNormScore = ZeroCostScore(name: "grad_norm", summary: "sum of the norms of the loss's gradients") { network in
    let recipe = network.recipe
    let loss = try recipe.loss.objective(
        for: network.architecture, budget: recipe.depthBudget, isMasked: recipe.supervision == .noise2void)
    let program = try Compiler.compileTraining(network.graph, loss.objective, inputs: network.batch.mapValues(\.shape))
    let parameters = network.parameters(program.parameters)
    for tensor in loss.frozen { parameters.set(tensor.name, tensor.values) }
    let gradients = GradientStore(for: parameters)
    let executable = try CPUDevice().load(program, parameters: parameters, gradients: gradients)
    executable.fill(network.batch)
    executable.run()
    let sum = program.parameters.filter(\.isWeight).reduce(0.0) { sum, weight in
        sum + gradients.values(of: weight.name).reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    return sum.isFinite ? sum : nil
}
