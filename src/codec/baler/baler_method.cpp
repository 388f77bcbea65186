#include "codec/baler/baler_method.hpp"

#include "codec/baler/baler_decoder.hpp"
#include "codec/baler/baler_encoder.hpp"
#include "codec/baler/features.hpp"
#include "codec/baler/settings.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

class BalerMethod final : public Method {
 public:
  std::string name() const override { return "baler"; }
  std::string description() const override { return "Baler's autoencoder, trained on the table; corrected to a bound"; }
  bool supports(BoundKind) const override { return true; }
  std::vector<OptionInfo> options() const override { return baler::describe_options(); }

  std::string unavailable_reason() const override {
    std::string why;
    return baler::find_trainer_plugin(why).empty() ? why : std::string();
  }

  std::string version() const override { return "AE of Baler 1.4.0"; }

  std::string inapplicable_reason(const Schema& schema) const override {
    std::string why;
    static_cast<void>(baler::find_features(schema, why));
    return why;
  }

  std::unique_ptr<Encoder> make_encoder(const MethodSpec& spec) const override {
    check_options(*this, spec);
    const baler::Settings settings = baler::parse_settings(spec);
    if (const std::string why = unavailable_reason(); !why.empty()) fail_unavailable(why);
    return baler::make_baler_encoder(settings, [] {
      std::string why;
      const baler::Trainer* trainer = baler::load_trainer(why);
      if (trainer == nullptr) fail_unavailable(why);
      return trainer;
    });
  }

  std::unique_ptr<Decoder> make_decoder(const TableContext& context, ByteSpan model) const override {
    return baler::make_baler_decoder(context, model);
  }
};

}  // namespace

std::unique_ptr<Method> make_baler_method() { return std::make_unique<BalerMethod>(); }

}  // namespace haywatt
