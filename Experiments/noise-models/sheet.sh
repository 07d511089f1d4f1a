#!/bin/sh
# Every noise model at three strengths, a row each: sheet.sh IMAGE OUT.png
set -eu
halcyon=${HALCYON:-.build/release/halcyon}
"$halcyon" noise "$1" --out "$2" --crop 128 --columns 3 \
    "{kind: gaussian, sigma: 10}" "{kind: gaussian, sigma: 25}" "{kind: gaussian, sigma: 50}" \
    "{kind: gaussian-map, sigma: [0, 25]}" "{kind: gaussian-map, sigma: [0, 50]}" "{kind: gaussian-map, sigma: [0, 100]}" \
    "{kind: poisson, peak: 300}" "{kind: poisson, peak: 50}" "{kind: poisson, peak: 10}" \
    "{kind: poisson-gaussian, shot: 0.002, read: 3}" "{kind: poisson-gaussian, shot: 0.02, read: 10}" "{kind: poisson-gaussian, shot: 0.1, read: 20}" \
    "{kind: impulse, probability: 0.02}" "{kind: impulse, probability: 0.1}" "{kind: impulse, probability: 0.3}" \
    "{kind: impulse, probability: 0.02, values: random}" "{kind: impulse, probability: 0.1, values: random}" "{kind: impulse, probability: 0.3, values: random}" \
    "{kind: speckle, sigma: 15}" "{kind: speckle, sigma: 40}" "{kind: speckle, sigma: 100}" \
    "{kind: jpeg, quality: 60}" "{kind: jpeg, quality: 25}" "{kind: jpeg, quality: 5}" \
    "{kind: moire, strength: 10, period: 12}" "{kind: moire, strength: 25, period: 8}" "{kind: moire, strength: 50, period: 5}" \
    "{kind: mixture, of: [{probability: 0.5, noise: {kind: poisson, peak: 200}}, {probability: 0.5, noise: {kind: jpeg, quality: 40}}]}" \
    "{kind: mixture, of: [{probability: 0.5, noise: {kind: speckle, sigma: 40}}, {probability: 0.5, noise: {kind: jpeg, quality: 15}}]}" \
    "{kind: mixture, of: [{probability: 0.5, noise: {kind: poisson, peak: 10}}, {probability: 0.5, noise: {kind: impulse, probability: 0.2}}]}"
