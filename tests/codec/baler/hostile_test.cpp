/// Models and corrections made to do harm: every one is refused in one line, exit 3, and nothing is run.
#include <gtest/gtest.h>

#include <array>

#include "codec/baler/pickle/machine.hpp"
#include "codec/baler/project/corrections.hpp"
#include "codec/baler/project/model_classes.hpp"
#include "codec/baler/project/python_config.hpp"
#include "codec/baler/project/state_dict.hpp"
#include "codec/baler/torch_archive.hpp"
#include "data/npy_header.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

using namespace std::string_literals;

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::BadInput) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  return "accepted";
}

std::string refused_model(const std::string& pickle) {
  return refusal([&] {
    const StateDict s(test::torch_archive(pickle), "model.pt");
    for (const TensorPlace& t : s.tensors()) static_cast<void>(s.values(t));
  });
}

std::string text(const std::string& s) { return "X" + std::string(1, static_cast<char>(s.size())) + "\0\0\0"s + s; }

constexpr const char* ordered = "ccollections\nOrderedDict\n";
constexpr const char* rebuild = "ctorch._utils\n_rebuild_tensor_v2\n";
constexpr const char* doubles = "ctorch\nDoubleStorage\n";

/// A state_dict of one tensor, whose parts can be made wrong.
struct OneTensor {
  std::string storage = "("s + text("storage") + doubles + text("0") + text("cpu") + "K\x08" + "tQ";
  std::string offset = "K\0"s, sizes = "K\x02K\x02\x86", strides = "K\x02K\x01\x86";
  [[nodiscard]] std::string pickle() const {
    return "\x80\x02"s + ordered + ")R(" + text("w") + rebuild + "(" + storage + offset + sizes + strides + "\x89" +
           ordered + ")RtRu.";
  }
};

TEST(HostileModel, TheWholeOneIsRead) {
  const StateDict s(test::torch_archive(OneTensor().pickle()), "model.pt");
  ASSERT_EQ(s.tensors().size(), 1U);
  EXPECT_EQ(s.tensors()[0].name, "w");
  EXPECT_EQ(s.values(s.tensors()[0]), (std::vector<double>{0, 1, 2, 3}));
  OneTensor turned;
  turned.sizes = "K\x02K\x03\x86";
  turned.strides = "K\x01K\x02\x86";
  turned.offset = "K\x01";
  const StateDict t(test::torch_archive(turned.pickle()), "model.pt");
  EXPECT_EQ(t.values(t.tensors()[0]), (std::vector<double>{1, 3, 5, 2, 4, 6}));
}

TEST(HostileModel, CodeIsNamedAndNotRun) {
  const std::string call = text("touch /tmp/owned") + "\x85R.";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x80\x02"
       "cos\nsystem\n"s +
           call,
       "'os system'"},
      {"\x80\x02"
       "cposix\nsystem\nq\0"s +
           "0h\0"s + call,
       "'posix system'"},
      {"\x80\x02"
       "cbuiltins\neval\n"s +
           call,
       "'builtins eval'"},
      {"\x80\x02"
       "c__builtin__\nexec\n"s +
           call,
       "'__builtin__ exec'"},
      {"\x80\x04\x8c\x02os\x8c\x06system\x93"s + call, "'os system'"},
      {"\x80\x04\x8c\x06system\x94\x30\x8c\x02os\x94\x30h\x01h\0\x93"s + call, "'os system'"},
      {"\x80\x02("s + text("x") + "ios\nsystem\n.", "'os system'"},
      {"\x80\x02("s + ordered + text("x") + "o.", "OBJ"},
      {"\x80\x02"s + ordered + ")\x81.", "NEWOBJ"},
      {"\x80\x02\x82\x01.", "EXT"},
      {"P../../etc/passwd\n.", "PERSID"},
      // inside what is allowed: as an argument, as a key, as a state, behind a name that begins like an allowed one
      {"\x80\x02"s + ordered + "(cos\nsystem\n" + text("x") + "\x85RtR.", "'os system'"},
      {"\x80\x02"s + ordered + ")R(cos\nsystem\nK\1u.", "'os system'"},
      {"\x80\x02"s + ordered + ")Rcnt\nsystem\nb.", "'nt system'"},
      {"\x80\x02"
       "ctorch\nload\n"s +
           call,
       "'torch load'"},
      {"\x80\x02"
       "ctorch._utils\n_rebuild_tensor_v2.__globals__\n"s +
           call,
       "__globals__"},
      {"\x80\x02"
       "ccollections\nOrderedDict.__class__\n"s +
           call,
       "__class__"},
      {"\x80\x02"
       "ctorch\nDoubleStorage\n)R.",
       "'torch DoubleStorage'"},
      {"\x80\x02"s + rebuild + ")RNb.", "'torch._utils _rebuild_tensor_v2'"},
      {"\x80\x02K\1)R.", "not a known name"},
      {"\x80\x02K\1Nb.", "has none"},
  };
  for (const auto& [pickle, part] : cases) {
    const std::string message = refused_model(pickle);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("refused"), std::string::npos) << message;
  }
}

TEST(HostileModel, StoragesLieInTheFileOnly) {
  OneTensor t;
  t.storage = "("s + text("storage") + doubles + text("../../etc/passwd") + text("cpu") + "K\x08tQ";
  EXPECT_NE(refused_model(t.pickle()).find("no number"), std::string::npos);
  t.storage = "("s + text("storage") + doubles + text("7") + text("cpu") + "K\x08tQ";
  EXPECT_NE(refused_model(t.pickle()).find("data/7 is missing"), std::string::npos);
  t.storage = "("s + text("storage") + doubles + text("0") + text("cpu") + "K\x09tQ";
  EXPECT_NE(refused_model(t.pickle()).find("bytes instead of 72"), std::string::npos);
  t.storage = text("/etc/passwd") + "Q";
  EXPECT_NE(refused_model(t.pickle()).find("no tuple"), std::string::npos);
}

TEST(HostileModel, TensorsStayInTheirStorage) {
  for (const auto& [sizes, strides, offset] : std::vector<std::array<std::string, 3>>{
           {"K\x03K\x03\x86", "K\x03K\x01\x86", "K\0"s},                           // nine of eight
           {"K\x02K\x02\x86", "K\x02K\x01\x86", "K\x05"},                          // from five on
           {"K\x02K\x02\x86", "J\xff\xff\xff\xffK\x01\x86", "K\x04"},              // backwards
           {"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "K\0K\0\x86"s, "K\0"s},      // one value, 2^62 times
           {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", "K\x01\x85", "K\0"s},  // 2^63 - 1
           {"K\x02\x85", "K\x01K\x01\x86", "K\0"s}}) {
    OneTensor t;
    t.sizes = sizes;
    t.strides = strides;
    t.offset = offset;
    EXPECT_NE(refused_model(t.pickle()).find("damaged"), std::string::npos);
  }
}

TEST(HostileModel, BombsAreSmall) {
  EXPECT_NE(refused_model(std::string(100, '(')).find("nests deeper"), std::string::npos);
  EXPECT_NE(refused_model(std::string(2'000'000, 'N')).find("operations"), std::string::npos);
  EXPECT_NE(refused_model("Nr\xff\xff\xff\x7f.").find("out of order"), std::string::npos);
  EXPECT_NE(refused_model("X\xff\xff\xff\xff.").find("model.pt"), std::string::npos);
  // A tuple of two of the one before, three hundred thousand times: 2^300000 values if anything walked it.
  std::string laughs = "N";
  for (int i = 0; i < 300'000; ++i) laughs += i == 0 ? "q\0h\0\x86"s : "q\x01h\x01\x86"s;
  EXPECT_NE(refused_model(laughs + ".").find("model.pt"), std::string::npos);
  // A list that holds itself, and one that is set on itself.
  EXPECT_NE(refused_model("]q\0h\0a."s).find("model.pt"), std::string::npos);
  EXPECT_NE(refused_model("}q\0h\0h\0s."s).find("model.pt"), std::string::npos);
}

/// The convolutions of a Conv_AE_3D, all weights one and the same number.
std::string conv_3d(int last) {
  std::string items;
  const std::vector<std::array<int, 5>> shapes = {{4, 1, 1, 3, 5},   {8, 4, 3, 3, 3},   {16, 8, 3, 3, 3},
                                                  {32, 16, 3, 3, 3}, {64, 32, 3, 3, 3}, {64, 64, 1, 3, last}};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    OneTensor t;
    t.sizes = "(";
    for (const int n : shapes[i]) t.sizes += "K"s + static_cast<char>(n);
    t.sizes += "t";
    t.strides = "(K\0K\0K\0K\0K\0t"s;
    items += text("q_z_conv." + std::to_string(2 * i) + ".weight") + rebuild + "(" + t.storage + t.offset + t.sizes +
             t.strides + "\x89" + ordered + ")RtR";
  }
  return "\x80\x02"s + ordered + ")R(" + items + "u.";
}

TEST(Classes, ThoseThatAreNotRunAreKnown) {
  for (const int last : {3, 5}) {
    const StateDict s(test::torch_archive(conv_3d(last)), "model.pt");
    ProjectModel model;
    std::vector<std::string> notes;
    try {
      build_model("Conv_AE_3D", Tensors(s), {}, model, notes);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), last == 3 ? ErrorKind::Unavailable : ErrorKind::BadInput) << e.what();
      EXPECT_NE(std::string(e.what()).find(last == 3 ? "Conv_AE_3D" : "(64, 64, 1, 3, 5)"), std::string::npos)
          << e.what();
    }
  }
}

TEST(HostileModel, EveryTruncationIsOneLine) {
  const std::string whole = OneTensor().pickle();
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(refused_model(whole.substr(0, n)), "accepted") << n;
  const auto archive = test::torch_archive(whole)->read_all();
  for (std::size_t n = 0; n < archive.size(); n += 7) {
    const std::string message = refusal([&] {
      StateDict(test::in_memory(ByteVector(archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(n))),
                "model.pt");
    });
    EXPECT_NE(message, "accepted") << n;
  }
}

ByteVector npy_of_objects(const std::vector<std::uint64_t>& shape, const std::string& pickle) {
  const std::string file = data::make_npy_header("|O", false, shape) + pickle;
  return {as_byte_span(file).begin(), as_byte_span(file).end()};
}

TEST(HostileCorrections, CodeIsNamedAndNotRun) {
  const ByteVector bad = npy_of_objects({2, 1},
                                        "\x80\x03"
                                        "cos\nsystem\n" +
                                            text("x") + "\x85R.");
  const CorrectionShape shape = {10, 4, 5};
  const std::string message =
      refusal([&] { static_cast<void>(parse_corrections(bad, "deltas", bad, "index", shape)); });
  EXPECT_NE(message.find("'os system'"), std::string::npos) << message;
  const ByteVector setstate = npy_of_objects({2, 1},
                                             "\x80\x03"
                                             "cnumpy.core.multiarray\nscalar\n)RNb.");
  EXPECT_NE(refusal([&] {
              static_cast<void>(parse_corrections(setstate, "deltas", setstate, "index", shape));
            }).find("scalar"),
            std::string::npos);
}

TEST(HostileConfig, OnlyPlainValuesAreRead) {
  const auto read = [](const std::string& text) { return refusal([&] { PythonConfig(text, "x_config.py"); }); };
  const std::string def = "def set_config(c):\n";
  EXPECT_EQ(read("# a comment\n\n" + def +
                 "    c.a = [1, -2.5e-3, 'x', (True, None)] * 2 + ['y']  # so\n\n    c.b = (\n 1,\n)\n"),
            "accepted");
  for (const std::string bad :
       {"    c.a = __import__('os').system('x')\n", "    import os\n", "    c.a = 1; import os\n", "    c.a = f'{x}'\n",
        "    c.a = [x for x in y]\n", "    c.a = 1 if x else 2\n", "    c.a = 'x' 'y'\n", "    c.a = 10 ** 9\n",
        "    d.a = 1\n", "    c.a.b = 1\n", "    c['a'] = 1\n", "    c.a = [1] * 999999999\n", "    c.a = [\n",
        "    c.a = 'x\n", "    c.a =\n", "    exec('x')\n", "    c.a = lambda: 1\n",
        "    c.a = [[[[[[[[[[[[1]]]]]]]]]]]]\n"}) {
    const std::string message = read(def + "    c.ok = 1\n" + bad);
    EXPECT_NE(message.find("line 3"), std::string::npos) << bad << message;
  }
  EXPECT_NE(read("c.a = 1\n").find("line 1"), std::string::npos);
  EXPECT_NE(read("").find("no set_config"), std::string::npos);
}

TEST(PythonConfig, KeepsTypesApart) {
  const PythonConfig c(
      "def set_config(c):\n    c.i = 5\n    c.f = 1.5\n    c.s = 'x'\n    c.n = None\n    c.off = False\n    c.l = [1, "
      "28, 28]\n    c.i = 6\n",
      "x");
  EXPECT_EQ(c.integer("i"), 6);
  EXPECT_EQ(c.number("i"), 6.0);
  EXPECT_EQ(c.number("f"), 1.5);
  EXPECT_EQ(c.string("s"), "x");
  EXPECT_FALSE(c.string("n"));
  EXPECT_FALSE(c.string("absent"));
  EXPECT_EQ(c.boolean("off"), false);
  EXPECT_EQ(c.list("off"), nullptr);
  ASSERT_NE(c.list("l"), nullptr);
  EXPECT_EQ(c.list("l")->size(), 3U);
  EXPECT_NE(refusal([&] { static_cast<void>(c.integer("f")); }).find("whole number"), std::string::npos);
}

}  // namespace
}  // namespace haywatt::baler
