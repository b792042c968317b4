FROM python:3.13-slim-trixie

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# For statements as PDF.
RUN apt-get update --quiet --quiet && \
    apt-get install --quiet --quiet --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core && \
    rm -rf /var/lib/apt/lists/*

# Wheels only: the image has no compiler.
COPY requirements.txt .
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes --requirement requirements.txt

# .dockerignore excludes what is not product: tests, benches, chaos, the embedded servers' pins.
COPY . .

RUN useradd --system --uid 10001 leadswitch && install --directory --owner leadswitch --mode 700 var
USER leadswitch
EXPOSE 8000
