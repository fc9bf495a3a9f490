# For a tap: Formula/lambda-pack.rb
class LambdaPack < Formula
  desc "Deterministic AWS Lambda packages and source hashes for Terraform"
  homepage "https://github.com/@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@URL@/lambda-pack-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 lambda-pack-@VERSION@-aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "@URL@/lambda-pack-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 lambda-pack-@VERSION@-x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "@URL@/lambda-pack-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 lambda-pack-@VERSION@-aarch64-unknown-linux-musl.tar.gz@"
    end
    on_intel do
      url "@URL@/lambda-pack-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 lambda-pack-@VERSION@-x86_64-unknown-linux-musl.tar.gz@"
    end
  end

  def install
    bin.install "lambda-pack"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/lambda-pack.bash" => "lambda-pack"
    zsh_completion.install "completions/_lambda-pack"
    fish_completion.install "completions/lambda-pack.fish"
  end

  test do
    assert_equal "lambda-pack @VERSION@\n", shell_output("#{bin}/lambda-pack --version")
    (testpath/"empty").mkpath
    system bin/"lambda-pack", "hash", "empty"
  end
end
