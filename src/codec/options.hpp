/// Reading the options of a method, each error naming the method and the option.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/codec/method.hpp"

namespace haywatt {

/// The whole-number option `key`, or `fallback` if it is not given. Error(Usage) unless it lies in [low, high].
[[nodiscard]] std::int64_t integer_option(const MethodSpec& spec, const std::string& key, std::int64_t fallback,
                                          std::int64_t low, std::int64_t high);
/// The number option `key`, or `fallback` if it is not given. Error(Usage) unless it lies in [low, high].
[[nodiscard]] double number_option(const MethodSpec& spec, const std::string& key, double fallback, double low,
                                   double high);
/// The index in `choices` of the option `key`, or of `fallback` if it is not given. Error(Usage) for any other word.
[[nodiscard]] std::size_t choice_option(const MethodSpec& spec, const std::string& key, const std::string& fallback,
                                        const std::vector<std::string>& choices);

}  // namespace haywatt
