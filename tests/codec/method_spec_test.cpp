#include <gtest/gtest.h>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt {
namespace {

TEST(MethodSpec, ParsesNamesWithColonsAndOptions) {
  EXPECT_EQ(MethodSpec::parse("zstd").name, "zstd");
  EXPECT_EQ(MethodSpec::parse("hdf5:sz3").name, "hdf5:sz3");
  const auto spec = MethodSpec::parse("hdf5:blosc:level=9,cname=zstd");
  EXPECT_EQ(spec.name, "hdf5:blosc");
  EXPECT_EQ(spec.options.at("level"), "9");
  EXPECT_EQ(spec.options.at("cname"), "zstd");
  EXPECT_EQ(spec.text(), "hdf5:blosc:cname=zstd,level=9");
  EXPECT_EQ(MethodSpec::parse(spec.text()).text(), spec.text());
}

TEST(MethodSpec, RefusesNonsense) {
  for (const char* text : {"", ":", "zstd:", ":level=3", "zstd:level=", "zstd:=3", "zstd:level=3,",
                           "zstd:level=3,level=4", "zstd level", "zstd:level=3,fast", "level=3"})
    EXPECT_THROW((void)MethodSpec::parse(text), Error) << text;
}

TEST(Registry, NamesWhatItKnows) {
  EXPECT_EQ(find_method("zstd").name(), "zstd");
  try {
    (void)find_method("zsdt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::Usage);
    EXPECT_NE(std::string(e.what()).find("zstd"), std::string::npos);
  }
}

TEST(Registry, EveryMethodDescribesItselfAndChecksItsOptions) {
  for (const auto& method : all_methods()) {
    EXPECT_EQ(&find_method(method->name()), method.get());
    EXPECT_FALSE(method->description().empty());
    EXPECT_FALSE(method->version().empty());
    MethodSpec spec{method->name(), {{"no-such-option", "1"}}};
    EXPECT_THROW((void)method->make_encoder(spec), Error) << method->name();
    for (const OptionInfo& o : method->options()) {
      EXPECT_FALSE(o.help.empty());
      EXPECT_FALSE(o.default_value.empty());
    }
  }
}

TEST(Registry, BadOptionValuesAreUsageErrors) {
  for (const char* text : {"zstd:level=0", "zstd:level=23", "zstd:level=x", "zstd:speed=1"}) {
    const auto spec = MethodSpec::parse(text);
    try {
      (void)find_method(spec.name).make_encoder(spec);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::Usage) << text;
    }
  }
}

}  // namespace
}  // namespace haywatt
