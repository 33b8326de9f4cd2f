/*M!999999\- enable the sandbox mode */ 

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

CREATE DATABASE /*!32312 IF NOT EXISTS*/ `atrium` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */;

USE `atrium`;
DROP TABLE IF EXISTS `atrium_journal`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `atrium_journal` (
  `id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `reason` varchar(200) NOT NULL,
  `why` varchar(400) NOT NULL,
  `statement` mediumtext NOT NULL,
  `state` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `ended_at` datetime(6) DEFAULT NULL,
  `error` varchar(400) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_state` (`state`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `atrium_journal` WRITE;
/*!40000 ALTER TABLE `atrium_journal` DISABLE KEYS */;
INSERT INTO `atrium_journal` VALUES
(382549456559538176,'2026-11-21 15:14:57.869365','control','create table placement','CREATE TABLE `placement` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `name` VARCHAR(60) NOT NULL,\n  `host` VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `socket` VARCHAR(107) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `port` INT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.871870',NULL),
(382549456572121088,'2026-11-21 15:14:57.872299','control','create table tenant','CREATE TABLE `tenant` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `slug` VARCHAR(31) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `name` VARCHAR(100) NOT NULL,\n  `state` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `utc_offset` INT NOT NULL,\n  `placement` BIGINT UNSIGNED NULL,\n  `db_name` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `db_user` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `db_password` VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `secret` VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_slug` (`slug`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.876713',NULL),
(382549456593092608,'2026-11-21 15:14:57.877037','control','create table tenant_host','CREATE TABLE `tenant_host` (\n  `host` VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `tenant` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  PRIMARY KEY (`host`),\n  INDEX `i_tenant` (`tenant`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.883507',NULL),
(382549456622452736,'2026-11-21 15:14:57.884339','control','create table operator','CREATE TABLE `operator` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `login` VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `name` VARCHAR(60) NOT NULL,\n  `password_hash` VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_login` (`login`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.888453',NULL);
/*!40000 ALTER TABLE `atrium_journal` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `operator`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `operator` (
  `id` bigint(20) unsigned NOT NULL,
  `login` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` varchar(60) NOT NULL,
  `password_hash` varchar(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_login` (`login`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `operator` WRITE;
/*!40000 ALTER TABLE `operator` DISABLE KEYS */;
/*!40000 ALTER TABLE `operator` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `placement`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `placement` (
  `id` bigint(20) unsigned NOT NULL,
  `name` varchar(60) NOT NULL,
  `host` varchar(253) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `socket` varchar(107) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `port` int(11) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `placement` WRITE;
/*!40000 ALTER TABLE `placement` DISABLE KEYS */;
/*!40000 ALTER TABLE `placement` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `tenant`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `tenant` (
  `id` bigint(20) unsigned NOT NULL,
  `slug` varchar(31) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` varchar(100) NOT NULL,
  `state` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `utc_offset` int(11) NOT NULL,
  `placement` bigint(20) unsigned DEFAULT NULL,
  `db_name` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `db_user` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `db_password` varchar(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `secret` varchar(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_slug` (`slug`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `tenant` WRITE;
/*!40000 ALTER TABLE `tenant` DISABLE KEYS */;
INSERT INTO `tenant` VALUES
(382549456714727424,'old','租户 old','active',480,NULL,'atrium_t_old','atrium_54f16b43c800000','nAF8ek0zqWYcFy_Q1qZTXQqccb0C5mBWbAcUDKP9PwvXqasCz62odpvOEuN7zcA4bdu089ctZUYo2ZKh','N0jYKOlO8oUmimpsjBWtrJmZavg-UtCporRe9e_HT19RUefQwHFEHDBSAyMR4XTBHtXJ9WDUMidFYQti','2026-11-21 15:14:57.906680','2026-11-21 15:14:58.064495');
/*!40000 ALTER TABLE `tenant` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `tenant_host`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `tenant_host` (
  `host` varchar(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `tenant` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`host`),
  KEY `i_tenant` (`tenant`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `tenant_host` WRITE;
/*!40000 ALTER TABLE `tenant_host` DISABLE KEYS */;
/*!40000 ALTER TABLE `tenant_host` ENABLE KEYS */;
UNLOCK TABLES;

CREATE DATABASE /*!32312 IF NOT EXISTS*/ `atrium_t_old` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */;

USE `atrium_t_old`;
DROP TABLE IF EXISTS `atrium_journal`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `atrium_journal` (
  `id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `reason` varchar(200) NOT NULL,
  `why` varchar(400) NOT NULL,
  `statement` mediumtext NOT NULL,
  `state` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `ended_at` datetime(6) DEFAULT NULL,
  `error` varchar(400) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_state` (`state`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `atrium_journal` WRITE;
/*!40000 ALTER TABLE `atrium_journal` DISABLE KEYS */;
INSERT INTO `atrium_journal` VALUES
(382549456760864768,'2026-11-21 15:14:57.917476','core jobs','create table core_job','CREATE TABLE `core_job` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `kind` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `ukey` VARBINARY(190) NULL,\n  `payload` MEDIUMTEXT NOT NULL,\n  `state` VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `priority` INT NOT NULL DEFAULT 0,\n  `due_at` DATETIME(6) NOT NULL,\n  `attempt` INT NOT NULL DEFAULT 0,\n  `max_attempts` INT NOT NULL,\n  `progress` INT NOT NULL DEFAULT 0,\n  `node` VARCHAR(64) NULL,\n  `error` VARCHAR(500) NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `started_at` DATETIME(6) NULL,\n  `ended_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `uq_key` (`kind`, `ukey`),\n  INDEX `ix_due` (`state`, `priority`, `due_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.922130',NULL),
(382549456781836288,'2026-11-21 15:14:57.922576','core jobs','create table core_schedule','CREATE TABLE `core_schedule` (\n  `name` VARBINARY(160) NOT NULL,\n  `last_at` DATETIME(6) NOT NULL,\n  PRIMARY KEY (`name`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.924547',NULL),
(382549456802807808,'2026-11-21 15:14:57.927503','core 1.0.0','create table core_audit','CREATE TABLE `core_audit` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `who_kind` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `who` BIGINT NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NULL,\n  `target` VARCHAR(120) NULL,\n  `ok` TINYINT(1) NULL,\n  `address` VARCHAR(45) NULL,\n  `request_id` VARCHAR(64) NULL,\n  `detail` MEDIUMTEXT NULL CHECK (JSON_VALID(`detail`)),\n  `prev_hash` VARCHAR(64) NULL,\n  `hash` VARCHAR(64) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_who_created_at` (`who`, `created_at`),\n  INDEX `i_action_created_at` (`action`, `created_at`),\n  INDEX `i_target_created_at` (`target`, `created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.930636',NULL),
(382549456815390720,'2026-11-21 15:14:57.930920','core 1.0.0','create table core_dept','CREATE TABLE `core_dept` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `name` VARCHAR(60) NULL,\n  `parent` BIGINT UNSIGNED NULL,\n  `manager` BIGINT UNSIGNED NULL,\n  `position` BIGINT NULL DEFAULT 0,\n  PRIMARY KEY (`id`),\n  INDEX `i_parent_position` (`parent`, `position`),\n  INDEX `i_name` (`name`),\n  INDEX `i_position` (`position`),\n  INDEX `i_manager` (`manager`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.933935',NULL),
(382549456832167936,'2026-11-21 15:14:57.934259','core 1.0.0','create table core_dept_history','CREATE TABLE `core_dept_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.936569',NULL),
(382549456840556544,'2026-11-21 15:14:57.936827','core 1.0.0','create table core_dictionary','CREATE TABLE `core_dictionary` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `code` VARCHAR(60) NULL,\n  `name` VARCHAR(60) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_name` (`name`),\n  UNIQUE INDEX `u_code` (`code`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.939700',NULL),
(382549456853139456,'2026-11-21 15:14:57.939954','core 1.0.0','create table core_dictionary_history','CREATE TABLE `core_dictionary_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.942368',NULL),
(382549456865722368,'2026-11-21 15:14:57.942607','core 1.0.0','create table core_dictionary_item','CREATE TABLE `core_dictionary_item` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `dictionary` BIGINT UNSIGNED NULL,\n  `position` BIGINT NULL DEFAULT 0,\n  `code` VARCHAR(60) NULL,\n  `title` VARCHAR(100) NULL,\n  `color` VARCHAR(7) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `is_off` TINYINT(1) NULL DEFAULT 0,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_dictionary_code` (`dictionary`, `code`),\n  INDEX `i_dictionary_position` (`dictionary`, `position`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.945333',NULL),
(382549456878305280,'2026-11-21 15:14:57.945594','core 1.0.0','create table core_file','CREATE TABLE `core_file` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `owner` BIGINT UNSIGNED NULL,\n  `name` VARCHAR(200) NULL,\n  `type` VARCHAR(100) NULL,\n  `size` BIGINT NULL,\n  `sha256` VARCHAR(64) NULL,\n  `path` VARCHAR(200) NULL,\n  `public` TINYINT(1) NULL DEFAULT 0,\n  `used_by` VARCHAR(120) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_owner_created_at` (`owner`, `created_at`),\n  INDEX `i_sha256` (`sha256`),\n  INDEX `i_used_by_created_at` (`used_by`, `created_at`),\n  INDEX `i_name` (`name`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.951751',NULL),
(382549456907665408,'2026-11-21 15:14:57.952098','core 1.0.0','create table core_idempotency','CREATE TABLE `core_idempotency` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `request_key` VARCHAR(64) NULL,\n  `principal` VARCHAR(80) NULL,\n  `route` VARCHAR(200) NULL,\n  `request_hash` VARCHAR(64) NULL,\n  `status` BIGINT NULL,\n  `body` MEDIUMTEXT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_principal_request_key` (`principal`, `request_key`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.954771',NULL),
(382549456920248320,'2026-11-21 15:14:57.955067','core 1.0.0','create table core_lockout','CREATE TABLE `core_lockout` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `subject` VARCHAR(120) NULL,\n  `failures` BIGINT NULL DEFAULT 0,\n  `last_at` DATETIME(6) NULL,\n  `locked_until` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_last_at` (`last_at`),\n  UNIQUE INDEX `u_subject` (`subject`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.957469',NULL),
(382549456928636928,'2026-11-21 15:14:57.957748','core 1.0.0','create table core_login_code','CREATE TABLE `core_login_code` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `phone` VARCHAR(20) NULL,\n  `purpose` VARCHAR(20) NULL,\n  `code_hash` VARCHAR(64) NULL,\n  `address` VARCHAR(45) NULL,\n  `tries` BIGINT NULL DEFAULT 0,\n  `used` TINYINT(1) NULL DEFAULT 0,\n  `expires_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_phone_created_at` (`phone`, `created_at`),\n  INDEX `i_address_created_at` (`address`, `created_at`),\n  INDEX `i_expires_at` (`expires_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.960512',NULL),
(382549456941219840,'2026-11-21 15:14:57.960750','core 1.0.0','create table core_member','CREATE TABLE `core_member` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `state` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `phone` VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `name` VARCHAR(60) NULL,\n  `last_seen` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_name` (`name`),\n  INDEX `i_last_seen` (`last_seen`),\n  INDEX `i_state_last_seen` (`state`, `last_seen`),\n  UNIQUE INDEX `u_phone` (`phone`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.964189',NULL),
(382549456957997056,'2026-11-21 15:14:57.964594','core 1.0.0','create table core_member_history','CREATE TABLE `core_member_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.970260',NULL),
(382549456983162880,'2026-11-21 15:14:57.970847','core 1.0.0','create table core_outbox','CREATE TABLE `core_outbox` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `channel` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `recipient` VARCHAR(60) NULL,\n  `body` VARCHAR(500) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_recipient` (`recipient`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.973473',NULL),
(382549456995745792,'2026-11-21 15:14:57.973728','core 1.0.0','create table core_plugin','CREATE TABLE `core_plugin` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `plugin` VARCHAR(40) NULL,\n  `version` VARCHAR(40) NULL,\n  `is_on` TINYINT(1) NULL DEFAULT 0,\n  `switched_by` BIGINT UNSIGNED NULL,\n  `switched_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_plugin` (`plugin`),\n  INDEX `i_switched_by` (`switched_by`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.976505',NULL),
(382549457008328704,'2026-11-21 15:14:57.976746','core 1.0.0','create table core_role','CREATE TABLE `core_role` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `code` VARCHAR(100) NULL,\n  `name` VARCHAR(60) NULL,\n  `grants` MEDIUMTEXT NULL CHECK (JSON_VALID(`grants`)),\n  `builtin` TINYINT(1) NULL DEFAULT 0,\n  `plugin` VARCHAR(40) NULL,\n  `template_hash` VARCHAR(64) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_name` (`name`),\n  INDEX `i_plugin` (`plugin`),\n  UNIQUE INDEX `u_code` (`code`),\n  INDEX `i_created_at` (`created_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.979834',NULL),
(382549457025105920,'2026-11-21 15:14:57.980096','core 1.0.0','create table core_role_history','CREATE TABLE `core_role_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.983629',NULL),
(382549457037688832,'2026-11-21 15:14:57.983943','core 1.0.0','create table core_session','CREATE TABLE `core_session` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `token_hash` VARCHAR(64) NULL,\n  `staff` BIGINT UNSIGNED NULL,\n  `member` BIGINT UNSIGNED NULL,\n  `address` VARCHAR(45) NULL,\n  `agent` VARCHAR(200) NULL,\n  `last_seen` DATETIME(6) NULL,\n  `expires_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_staff` (`staff`),\n  INDEX `i_member` (`member`),\n  INDEX `i_expires_at` (`expires_at`),\n  UNIQUE INDEX `u_token_hash` (`token_hash`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.987328',NULL),
(382549457054466048,'2026-11-21 15:14:57.987590','core 1.0.0','create table core_setting','CREATE TABLE `core_setting` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `plugin` VARCHAR(40) NULL,\n  `name` VARCHAR(60) NULL,\n  `value` MEDIUMTEXT NULL CHECK (JSON_VALID(`value`)),\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_plugin_name` (`plugin`, `name`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.989881',NULL),
(382549457067048960,'2026-11-21 15:14:57.990168','core 1.0.0','create table core_staff','CREATE TABLE `core_staff` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `state` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `deleted_at` DATETIME(6) NULL,\n  `live` TINYINT(1) NULL DEFAULT 1,\n  `login` VARCHAR(40) NULL,\n  `name` VARCHAR(60) NULL,\n  `phone` VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `email` VARCHAR(254) NULL,\n  `department` BIGINT UNSIGNED NULL,\n  `last_login_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_name` (`name`, `live`),\n  INDEX `i_state_name` (`state`, `name`, `live`),\n  INDEX `i_department_name` (`department`, `name`, `live`),\n  UNIQUE INDEX `u_login` (`login`, `live`),\n  UNIQUE INDEX `u_phone` (`phone`, `live`),\n  INDEX `i_created_at` (`created_at`, `live`),\n  INDEX `i_deleted_at` (`deleted_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.994137',NULL),
(382549457083826176,'2026-11-21 15:14:57.994395','core 1.0.0','create table core_staff_history','CREATE TABLE `core_staff_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.996846',NULL),
(382549457096409088,'2026-11-21 15:14:57.997088','core 1.0.0','create table core_staff_role','CREATE TABLE `core_staff_role` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `staff` BIGINT UNSIGNED NULL,\n  `role` BIGINT UNSIGNED NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_staff_role` (`staff`, `role`),\n  INDEX `i_role` (`role`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:57.999439',NULL),
(382549457104797696,'2026-11-21 15:14:57.999656','core 1.0.0','create table core_staff_secret','CREATE TABLE `core_staff_secret` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `staff` BIGINT UNSIGNED NULL,\n  `password_hash` VARCHAR(200) NULL,\n  `changed_at` DATETIME(6) NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_staff` (`staff`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.002229',NULL),
(382549457117380608,'2026-11-21 15:14:58.002465','core 1.0.0','create table core_sequence','CREATE TABLE `core_sequence` (\n  `name` VARCHAR(190) NOT NULL,\n  `value` BIGINT NOT NULL,\n  PRIMARY KEY (`name`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.004297',NULL),
(382549457410981888,'2026-11-21 15:14:58.072978','vote 1.0.0','create table vote_ballot','CREATE TABLE `vote_ballot` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `poll` BIGINT UNSIGNED NULL,\n  `options` MEDIUMTEXT NULL CHECK (JSON_VALID(`options`)),\n  `chosen` VARCHAR(500) NULL,\n  `member` BIGINT UNSIGNED NULL,\n  `device` VARCHAR(64) NULL,\n  `address` VARCHAR(45) NULL,\n  `client` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT \'h5\',\n  `request_key` VARCHAR(80) NULL,\n  PRIMARY KEY (`id`),\n  INDEX `i_poll_created_at` (`poll`, `created_at`),\n  UNIQUE INDEX `u_request_key` (`request_key`),\n  INDEX `i_member` (`member`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.076314',NULL),
(382549457427759104,'2026-11-21 15:14:58.076655','vote 1.0.0','create table vote_option','CREATE TABLE `vote_option` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `poll` BIGINT UNSIGNED NULL,\n  `position` BIGINT NULL DEFAULT 0,\n  `title` VARCHAR(100) NULL,\n  `text` MEDIUMTEXT NULL,\n  `picture` BIGINT UNSIGNED NULL,\n  `video` BIGINT UNSIGNED NULL,\n  `count` BIGINT NULL DEFAULT 0,\n  PRIMARY KEY (`id`),\n  INDEX `i_poll_position` (`poll`, `position`),\n  INDEX `i_picture` (`picture`),\n  INDEX `i_video` (`video`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.079584',NULL),
(382549457444536320,'2026-11-21 15:14:58.080275','vote 1.0.0','create table vote_poll','CREATE TABLE `vote_poll` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `owner` BIGINT UNSIGNED NULL,\n  `dept` BIGINT UNSIGNED NULL,\n  `version` BIGINT NOT NULL DEFAULT 1,\n  `state` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `deleted_at` DATETIME(6) NULL,\n  `live` TINYINT(1) NULL DEFAULT 1,\n  `name` VARCHAR(60) NULL,\n  `title` VARCHAR(100) NULL,\n  `intro` MEDIUMTEXT NULL,\n  `cover` BIGINT UNSIGNED NULL,\n  `starts_at` DATETIME(6) NULL,\n  `ends_at` DATETIME(6) NULL,\n  `choice` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT \'single\',\n  `max_choices` BIGINT NULL DEFAULT 1,\n  `period` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT \'total\',\n  `limit_person` BIGINT NULL DEFAULT 1,\n  `limit_device` BIGINT NULL DEFAULT 1,\n  `limit_address` BIGINT NULL DEFAULT 0,\n  `login_required` TINYINT(1) NULL DEFAULT 0,\n  `results` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT \'always\',\n  `ballots` BIGINT NULL DEFAULT 0,\n  `voters` BIGINT NULL DEFAULT 0,\n  PRIMARY KEY (`id`),\n  INDEX `i_state_ends_at` (`state`, `ends_at`, `live`),\n  INDEX `i_name` (`name`, `live`),\n  INDEX `i_starts_at` (`starts_at`, `live`),\n  INDEX `i_owner` (`owner`, `live`),\n  INDEX `i_dept` (`dept`, `live`),\n  INDEX `i_cover` (`cover`, `live`),\n  INDEX `i_created_at` (`created_at`, `live`),\n  INDEX `i_deleted_at` (`deleted_at`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.085694',NULL),
(382549457469702144,'2026-11-21 15:14:58.086049','vote 1.0.0','create table vote_poll_history','CREATE TABLE `vote_poll_history` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `row_id` BIGINT UNSIGNED NOT NULL,\n  `at` DATETIME(6) NOT NULL,\n  `who_kind` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n  `who` BIGINT UNSIGNED NULL,\n  `who_name` VARCHAR(60) NULL,\n  `action` VARCHAR(60) NOT NULL,\n  `changes` MEDIUMTEXT NULL CHECK (JSON_VALID(`changes`)),\n  PRIMARY KEY (`id`),\n  INDEX `i_row_id` (`row_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.088792',NULL),
(382549457482285056,'2026-11-21 15:14:58.089081','vote 1.0.0','create table vote_tally','CREATE TABLE `vote_tally` (\n  `id` BIGINT UNSIGNED NOT NULL,\n  `created_at` DATETIME(6) NOT NULL,\n  `updated_at` DATETIME(6) NOT NULL,\n  `created_by` BIGINT UNSIGNED NULL,\n  `poll` BIGINT UNSIGNED NULL,\n  `kind` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,\n  `subject` VARCHAR(64) NULL,\n  `day` BIGINT NULL DEFAULT 0,\n  `n` BIGINT NULL DEFAULT 0,\n  `chosen` MEDIUMTEXT NULL CHECK (JSON_VALID(`chosen`)),\n  PRIMARY KEY (`id`),\n  UNIQUE INDEX `u_poll_kind_subject_day` (`poll`, `kind`, `subject`, `day`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci','done','2026-11-21 15:14:58.091661',NULL);
/*!40000 ALTER TABLE `atrium_journal` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_audit`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_audit` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `who_kind` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `who` bigint(20) DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) DEFAULT NULL,
  `target` varchar(120) DEFAULT NULL,
  `ok` tinyint(1) DEFAULT NULL,
  `address` varchar(45) DEFAULT NULL,
  `request_id` varchar(64) DEFAULT NULL,
  `detail` mediumtext DEFAULT NULL CHECK (json_valid(`detail`)),
  `prev_hash` varchar(64) DEFAULT NULL,
  `hash` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `i_who_created_at` (`who`,`created_at`),
  KEY `i_action_created_at` (`action`,`created_at`),
  KEY `i_target_created_at` (`target`,`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_audit` WRITE;
/*!40000 ALTER TABLE `core_audit` DISABLE KEYS */;
INSERT INTO `core_audit` VALUES
(382549457385816064,'2026-11-21 15:14:58.066042','2026-11-21 15:14:58.066042',NULL,'system',NULL,'system','tenant_create','old',1,NULL,NULL,NULL,'0000000000000000000000000000000000000000000000000000000000000000','039c2c1a5b0ff37e54ce80ad28e7e7824f56627c62fbedd4f8c7db3bc47a2932'),
(382549457499062272,'2026-11-21 15:14:58.093351','2026-11-21 15:14:58.093351',NULL,'system',NULL,'system','plugin_enable','vote',1,'local','5e4c284e8c41843f0000000002',NULL,'039c2c1a5b0ff37e54ce80ad28e7e7824f56627c62fbedd4f8c7db3bc47a2932','d09fd5aba4c09447350899ba204b30e6bb09e6556f907ef178ca6b3469b61e90'),
(382549457855578112,'2026-11-21 15:14:58.178993','2026-11-21 15:14:58.178993',NULL,'staff',382549457129963522,'管理员','login','core.staff/382549457129963522',1,'127.0.0.1','5e4c284e8c41843f0000000003','{\"by\":\"password\"}','d09fd5aba4c09447350899ba204b30e6bb09e6556f907ef178ca6b3469b61e90','93a1a25e16101fd3892d08d047276d9a9387ac5ab3a5e97d7a6549afb5079bb7'),
(382549457926881282,'2026-11-21 15:14:58.195984','2026-11-21 15:14:58.195984',NULL,'staff',382549457129963522,'管理员','create','core.dept/382549457926881280',1,'127.0.0.1','5e4c284e8c41843e0000000000',NULL,'93a1a25e16101fd3892d08d047276d9a9387ac5ab3a5e97d7a6549afb5079bb7','01289f65738b6e65f982b127d8a81c36d574f5bf978632fe6c351c0649aac470'),
(382549457960435713,'2026-11-21 15:14:58.203632','2026-11-21 15:14:58.203632',NULL,'staff',382549457129963522,'管理员','create','core.dept/382549457956241408',1,'127.0.0.1','5e4c284e8c41843f0000000004',NULL,'01289f65738b6e65f982b127d8a81c36d574f5bf978632fe6c351c0649aac470','47a7e5f6cb4d4ea2e7dd6fafa9a0d98e9a2e142566848d0dec7ced97e929b271'),
(382549457989795840,'2026-11-21 15:14:58.210318','2026-11-21 15:14:58.210318',NULL,'staff',382549457129963522,'管理员','create','core.role/382549457977212928',1,'127.0.0.1','5e4c284e8c41843e0000000001',NULL,'47a7e5f6cb4d4ea2e7dd6fafa9a0d98e9a2e142566848d0dec7ced97e929b271','3c825f97fafbb3c94fce48c761b8e17fbadd153ddcf311351dabd8c9cd89b797'),
(382549458010767360,'2026-11-21 15:14:58.215333','2026-11-21 15:14:58.215333',NULL,'staff',382549457129963522,'管理员','create','core.staff/382549458002378752',1,'127.0.0.1','5e4c284e8c41843f0000000005',NULL,'3c825f97fafbb3c94fce48c761b8e17fbadd153ddcf311351dabd8c9cd89b797','f4777bd6a6ac373ef07c26b44ee1dab9b810193f71baec9bc6237677a233a763'),
(382549458174345216,'2026-11-21 15:14:58.254778','2026-11-21 15:14:58.254778',NULL,'staff',382549457129963522,'管理员','password_reset','core.staff/382549458002378752',1,'127.0.0.1','5e4c284e8c41843e0000000002',NULL,'f4777bd6a6ac373ef07c26b44ee1dab9b810193f71baec9bc6237677a233a763','ee4ac88fa950efa7b304ed5c5eaf2bce40da1c5fd9a115490f63fbbba4ee7855'),
(382549458203705344,'2026-11-21 15:14:58.261232','2026-11-21 15:14:58.261232',NULL,'staff',382549457129963522,'管理员','create','core.dictionary/382549458191122432',1,'127.0.0.1','5e4c284e8c41843f0000000006',NULL,'ee4ac88fa950efa7b304ed5c5eaf2bce40da1c5fd9a115490f63fbbba4ee7855','cef0759078a3956729a402e38f03a8e493efa363b4726e9924cca4f7efb1b68c'),
(382549458312757248,'2026-11-21 15:14:58.287131','2026-11-21 15:14:58.287131',NULL,'staff',382549457129963522,'管理员','create','vote.poll/382549458283397120',1,'127.0.0.1','5e4c284e8c41843f0000000007',NULL,'cef0759078a3956729a402e38f03a8e493efa363b4726e9924cca4f7efb1b68c','44a6b2c42d22ea5221adca0a7b3f8254165c7b793f62dd6ea9f62e5ceb266173'),
(382549458350505985,'2026-11-21 15:14:58.296712','2026-11-21 15:14:58.296712',NULL,'staff',382549457129963522,'管理员','publish','vote.poll/382549458283397120',1,'127.0.0.1','5e4c284e8c41843e0000000004',NULL,'44a6b2c42d22ea5221adca0a7b3f8254165c7b793f62dd6ea9f62e5ceb266173','ed21e8b41b7c76609a2b4db0e9b63243af7907a90a2068da6fbee29e5c83b492'),
(382549458409226242,'2026-11-21 15:14:58.310734','2026-11-21 15:14:58.310734',NULL,'staff',382549457129963522,'管理员','create','vote.poll/382549458405031936',1,'127.0.0.1','5e4c284e8c41843f0000000009',NULL,'ed21e8b41b7c76609a2b4db0e9b63243af7907a90a2068da6fbee29e5c83b492','ea1e642c811ec3b21b877e6f40322bc4d01dfceb6c81b69d03851558a00bdefc'),
(382549458426003457,'2026-11-21 15:14:58.314951','2026-11-21 15:14:58.314951',NULL,'staff',382549457129963522,'管理员','update','vote.poll/382549458405031936',1,'127.0.0.1','5e4c284e8c41843e0000000005',NULL,'ea1e642c811ec3b21b877e6f40322bc4d01dfceb6c81b69d03851558a00bdefc','06208f78cc682f5138073fa4fb5cf90655c1455cbaa84a2ba69c30c2f3aa17cc'),
(382549458446974981,'2026-11-21 15:14:58.319974','2026-11-21 15:14:58.319974',NULL,'staff',382549457129963522,'管理员','create','vote.poll/382549458446974976',1,'127.0.0.1','5e4c284e8c41843f000000000a',NULL,'06208f78cc682f5138073fa4fb5cf90655c1455cbaa84a2ba69c30c2f3aa17cc','a3460b56e8ac2b83388627e47608e75b443550dfffdd085655310974a6886ca0'),
(382549458467946496,'2026-11-21 15:14:58.324040','2026-11-21 15:14:58.324040',NULL,'staff',382549457129963522,'管理员','delete','vote.poll/382549458446974976',1,'127.0.0.1','5e4c284e8c41843e0000000006',NULL,'a3460b56e8ac2b83388627e47608e75b443550dfffdd085655310974a6886ca0','55fadf3a5fa8ab51cea7fd043f4453121f725d665d22d2413764d9d40b90a12c'),
(382549458497306624,'2026-11-21 15:14:58.331811','2026-11-21 15:14:58.331811',NULL,'member',382549458493112320,'137****0003','login','core.member/382549458493112320',1,'127.0.0.1','5e4c284e8c41843e0000000007','{\"by\":\"code\"}','55fadf3a5fa8ab51cea7fd043f4453121f725d665d22d2413764d9d40b90a12c','9c0f16b075c23a758e02a696d9164ff8644b04b15a1a5ff737f4bf60c7d9e735');
/*!40000 ALTER TABLE `core_audit` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_dept`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_dept` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `name` varchar(60) DEFAULT NULL,
  `parent` bigint(20) unsigned DEFAULT NULL,
  `manager` bigint(20) unsigned DEFAULT NULL,
  `position` bigint(20) DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `i_parent_position` (`parent`,`position`),
  KEY `i_name` (`name`),
  KEY `i_position` (`position`),
  KEY `i_manager` (`manager`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_dept` WRITE;
/*!40000 ALTER TABLE `core_dept` DISABLE KEYS */;
INSERT INTO `core_dept` VALUES
(382549457926881280,'2026-11-21 15:14:58.195000','2026-11-21 15:14:58.195000',382549457129963522,1,'总部',NULL,NULL,0),
(382549457956241408,'2026-11-21 15:14:58.202000','2026-11-21 15:14:58.202000',382549457129963522,1,'分部',382549457926881280,NULL,0);
/*!40000 ALTER TABLE `core_dept` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_dept_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_dept_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_dept_history` WRITE;
/*!40000 ALTER TABLE `core_dept_history` DISABLE KEYS */;
INSERT INTO `core_dept_history` VALUES
(382549457926881281,382549457926881280,'2026-11-21 15:14:58.195280','staff',382549457129963522,'管理员','create','[{\"field\":\"name\",\"before\":null,\"after\":\"总部\"},{\"field\":\"position\",\"before\":null,\"after\":0}]'),
(382549457960435712,382549457956241408,'2026-11-21 15:14:58.202911','staff',382549457129963522,'管理员','create','[{\"field\":\"name\",\"before\":null,\"after\":\"分部\"},{\"field\":\"parent\",\"before\":null,\"after\":\"382549457926881280\"},{\"field\":\"position\",\"before\":null,\"after\":0}]');
/*!40000 ALTER TABLE `core_dept_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_dictionary`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_dictionary` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `code` varchar(60) DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_code` (`code`),
  KEY `i_name` (`name`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_dictionary` WRITE;
/*!40000 ALTER TABLE `core_dictionary` DISABLE KEYS */;
INSERT INTO `core_dictionary` VALUES
(382549458191122432,'2026-11-21 15:14:58.258000','2026-11-21 15:14:58.258000',382549457129963522,1,'industry','行业');
/*!40000 ALTER TABLE `core_dictionary` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_dictionary_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_dictionary_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_dictionary_history` WRITE;
/*!40000 ALTER TABLE `core_dictionary_history` DISABLE KEYS */;
INSERT INTO `core_dictionary_history` VALUES
(382549458195316738,382549458191122432,'2026-11-21 15:14:58.258161','staff',382549457129963522,'管理员','create','[{\"field\":\"code\",\"before\":null,\"after\":\"industry\"},{\"field\":\"name\",\"before\":null,\"after\":\"行业\"},{\"field\":\"items\",\"before\":[],\"after\":[{\"dictionary\":\"382549458191122432\",\"code\":\"it\",\"title\":\"信息技术\",\"color\":null,\"is_off\":false,\"id\":\"382549458195316736\"},{\"dictionary\":\"382549458191122432\",\"code\":\"bio\",\"title\":\"生物医药\",\"color\":null,\"is_off\":false,\"id\":\"382549458195316737\"}]}]');
/*!40000 ALTER TABLE `core_dictionary_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_dictionary_item`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_dictionary_item` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `dictionary` bigint(20) unsigned DEFAULT NULL,
  `position` bigint(20) DEFAULT 0,
  `code` varchar(60) DEFAULT NULL,
  `title` varchar(100) DEFAULT NULL,
  `color` varchar(7) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `is_off` tinyint(1) DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_dictionary_code` (`dictionary`,`code`),
  KEY `i_dictionary_position` (`dictionary`,`position`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_dictionary_item` WRITE;
/*!40000 ALTER TABLE `core_dictionary_item` DISABLE KEYS */;
INSERT INTO `core_dictionary_item` VALUES
(382549458195316736,'2026-11-21 15:14:58.259000','2026-11-21 15:14:58.259000',382549457129963522,382549458191122432,0,'it','信息技术',NULL,0),
(382549458195316737,'2026-11-21 15:14:58.259000','2026-11-21 15:14:58.259000',382549457129963522,382549458191122432,1,'bio','生物医药',NULL,0);
/*!40000 ALTER TABLE `core_dictionary_item` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_file`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_file` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `owner` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(200) DEFAULT NULL,
  `type` varchar(100) DEFAULT NULL,
  `size` bigint(20) DEFAULT NULL,
  `sha256` varchar(64) DEFAULT NULL,
  `path` varchar(200) DEFAULT NULL,
  `public` tinyint(1) DEFAULT 0,
  `used_by` varchar(120) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `i_owner_created_at` (`owner`,`created_at`),
  KEY `i_sha256` (`sha256`),
  KEY `i_used_by_created_at` (`used_by`,`created_at`),
  KEY `i_name` (`name`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_file` WRITE;
/*!40000 ALTER TABLE `core_file` DISABLE KEYS */;
INSERT INTO `core_file` VALUES
(382549458262425600,'2026-11-21 15:14:58.277427','2026-11-21 15:14:58.277427',382549457129963522,382549457129963522,'cover.png','image/png',70,'6b7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0','09/37/382549458262425600',1,'vote.poll.cover');
/*!40000 ALTER TABLE `core_file` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_idempotency`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_idempotency` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `request_key` varchar(64) DEFAULT NULL,
  `principal` varchar(80) DEFAULT NULL,
  `route` varchar(200) DEFAULT NULL,
  `request_hash` varchar(64) DEFAULT NULL,
  `status` bigint(20) DEFAULT NULL,
  `body` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_principal_request_key` (`principal`,`request_key`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_idempotency` WRITE;
/*!40000 ALTER TABLE `core_idempotency` DISABLE KEYS */;
/*!40000 ALTER TABLE `core_idempotency` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_job`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_job` (
  `id` bigint(20) unsigned NOT NULL,
  `kind` varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `ukey` varbinary(190) DEFAULT NULL,
  `payload` mediumtext NOT NULL,
  `state` varchar(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `priority` int(11) NOT NULL DEFAULT 0,
  `due_at` datetime(6) NOT NULL,
  `attempt` int(11) NOT NULL DEFAULT 0,
  `max_attempts` int(11) NOT NULL,
  `progress` int(11) NOT NULL DEFAULT 0,
  `node` varchar(64) DEFAULT NULL,
  `error` varchar(500) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  `started_at` datetime(6) DEFAULT NULL,
  `ended_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_key` (`kind`,`ukey`),
  KEY `ix_due` (`state`,`priority`,`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_job` WRITE;
/*!40000 ALTER TABLE `core_job` DISABLE KEYS */;
/*!40000 ALTER TABLE `core_job` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_lockout`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_lockout` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `subject` varchar(120) DEFAULT NULL,
  `failures` bigint(20) DEFAULT 0,
  `last_at` datetime(6) DEFAULT NULL,
  `locked_until` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_subject` (`subject`),
  KEY `i_last_at` (`last_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_lockout` WRITE;
/*!40000 ALTER TABLE `core_lockout` DISABLE KEYS */;
INSERT INTO `core_lockout` VALUES
(382549458476335104,'2026-11-21 15:14:58.326251','2026-11-21 15:14:58.326251',NULL,'code:13700000003',0,'2026-11-21 15:14:58.326251',NULL);
/*!40000 ALTER TABLE `core_lockout` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_login_code`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_login_code` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `phone` varchar(20) DEFAULT NULL,
  `purpose` varchar(20) DEFAULT NULL,
  `code_hash` varchar(64) DEFAULT NULL,
  `address` varchar(45) DEFAULT NULL,
  `tries` bigint(20) DEFAULT 0,
  `used` tinyint(1) DEFAULT 0,
  `expires_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `i_phone_created_at` (`phone`,`created_at`),
  KEY `i_address_created_at` (`address`,`created_at`),
  KEY `i_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_login_code` WRITE;
/*!40000 ALTER TABLE `core_login_code` DISABLE KEYS */;
INSERT INTO `core_login_code` VALUES
(382549458480529408,'2026-11-21 15:14:58.326251','2026-11-21 15:14:58.326251',NULL,'13700000003','member','671c20c89c5b4066d4c3af18b28b99879a35207b755b2a00436e16c1dcf29662','127.0.0.1',1,1,'2026-11-21 15:19:58.326251');
/*!40000 ALTER TABLE `core_login_code` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_member`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_member` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `state` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `phone` varchar(20) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `last_seen` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_phone` (`phone`),
  KEY `i_name` (`name`),
  KEY `i_last_seen` (`last_seen`),
  KEY `i_state_last_seen` (`state`,`last_seen`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_member` WRITE;
/*!40000 ALTER TABLE `core_member` DISABLE KEYS */;
INSERT INTO `core_member` VALUES
(382549458493112320,'2026-11-21 15:14:58.330278','2026-11-21 15:14:58.330278',NULL,1,'active','13700000003','137****0003','2026-11-21 15:14:58.330755');
/*!40000 ALTER TABLE `core_member` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_member_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_member_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_member_history` WRITE;
/*!40000 ALTER TABLE `core_member_history` DISABLE KEYS */;
/*!40000 ALTER TABLE `core_member_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_outbox`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_outbox` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `channel` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `recipient` varchar(60) DEFAULT NULL,
  `body` varchar(500) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `i_recipient` (`recipient`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_outbox` WRITE;
/*!40000 ALTER TABLE `core_outbox` DISABLE KEYS */;
INSERT INTO `core_outbox` VALUES
(382549458480529409,'2026-11-21 15:14:58.327466','2026-11-21 15:14:58.327466',NULL,'sms','13700000003','您的验证码是 227434，5 分钟内有效。请勿告诉他人。');
/*!40000 ALTER TABLE `core_outbox` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_plugin`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_plugin` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `plugin` varchar(40) DEFAULT NULL,
  `version` varchar(40) DEFAULT NULL,
  `is_on` tinyint(1) DEFAULT 0,
  `switched_by` bigint(20) unsigned DEFAULT NULL,
  `switched_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_plugin` (`plugin`),
  KEY `i_switched_by` (`switched_by`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_plugin` WRITE;
/*!40000 ALTER TABLE `core_plugin` DISABLE KEYS */;
INSERT INTO `core_plugin` VALUES
(382549457494867970,'2026-11-21 15:14:58.092889','2026-11-21 15:14:58.092889',NULL,'vote','1.0.0',1,NULL,'2026-11-21 15:14:58.092889');
/*!40000 ALTER TABLE `core_plugin` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_role`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_role` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `code` varchar(100) DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `grants` mediumtext DEFAULT NULL CHECK (json_valid(`grants`)),
  `builtin` tinyint(1) DEFAULT 0,
  `plugin` varchar(40) DEFAULT NULL,
  `template_hash` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_code` (`code`),
  KEY `i_name` (`name`),
  KEY `i_plugin` (`plugin`),
  KEY `i_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_role` WRITE;
/*!40000 ALTER TABLE `core_role` DISABLE KEYS */;
INSERT INTO `core_role` VALUES
(382549457129963520,'2026-11-21 15:14:58.005231','2026-11-21 15:14:58.005231',NULL,1,'core.everyone','全体员工','{\"core.dept\":{\"read\":[\"all\"]},\"core.dictionary\":{\"read\":[\"all\"]},\"core.file\":{\"read\":[\"own\"],\"create\":true},\"core.staff\":{\"read\":[\"all\"],\"fields\":{\"phone\":\"hidden\",\"email\":\"hidden\",\"roles\":\"hidden\",\"last_login_at\":\"hidden\"}}}',0,'core','8466cd286405d9a522038a26cfd550d5a7dce36f8f9a104e0d454592201a5902'),
(382549457129963521,'2026-11-21 15:14:58.005600','2026-11-21 15:14:58.005600',NULL,1,'core.auditor','审计员','{\"core.audit\":{\"read\":[\"all\"],\"export\":true},\"core.member\":{\"read\":[\"all\"]},\"core.role\":{\"read\":[\"all\"]},\"core.staff\":{\"read\":[\"all\"],\"fields\":{\"phone\":\"hidden\",\"email\":\"hidden\"}}}',0,'core','b5b29c7913f5a0e1f99a37d152220270228564be545f6221b78d4773cdc1ade8'),
(382549457373233152,'2026-11-21 15:14:58.063461','2026-11-21 15:14:58.063461',NULL,1,'admin','系统管理员',NULL,1,NULL,NULL),
(382549457494867968,'2026-11-21 15:14:58.092149','2026-11-21 15:14:58.092149',NULL,1,'vote.manager','投票管理员','{\"vote.ballot\":{\"read\":[\"all\"],\"export\":true},\"vote.poll\":{\"read\":[\"all\"],\"create\":true,\"update\":[\"all\"],\"delete\":[\"all\"],\"export\":true,\"do\":[\"publish\",\"close\",\"reopen\",\"withdraw\"]}}',0,'vote','f0d63f75462f0a9440080b383555cba433c559d27fdbb77ca4ae3a78bc7954f7'),
(382549457494867969,'2026-11-21 15:14:58.092638','2026-11-21 15:14:58.092638',NULL,1,'vote.viewer','投票查看员','{\"vote.poll\":{\"read\":[\"all\"]}}',0,'vote','62ec344b4e1da92fa36e0bbd9c0096baf5d853b7c6e83b96ad3f9a483237f26a'),
(382549457977212928,'2026-11-21 15:14:58.207000','2026-11-21 15:14:58.207000',382549457129963522,1,'polls','投票专员','{\"vote.poll\":{\"read\":[\"department\"],\"create\":true,\"update\":[\"own\"],\"do\":[\"publish\"],\"fields\":{\"intro\":\"hidden\"}}}',0,NULL,NULL);
/*!40000 ALTER TABLE `core_role` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_role_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_role_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_role_history` WRITE;
/*!40000 ALTER TABLE `core_role_history` DISABLE KEYS */;
INSERT INTO `core_role_history` VALUES
(382549457981407232,382549457977212928,'2026-11-21 15:14:58.207110','staff',382549457129963522,'管理员','create','[{\"field\":\"code\",\"before\":null,\"after\":\"polls\"},{\"field\":\"name\",\"before\":null,\"after\":\"投票专员\"},{\"field\":\"grants\",\"before\":null,\"after\":{\"vote.poll\":{\"read\":[\"department\"],\"create\":true,\"update\":[\"own\"],\"do\":[\"publish\"],\"fields\":{\"intro\":\"hidden\"}}}},{\"field\":\"builtin\",\"before\":null,\"after\":false}]');
/*!40000 ALTER TABLE `core_role_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_schedule`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_schedule` (
  `name` varbinary(160) NOT NULL,
  `last_at` datetime(6) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_schedule` WRITE;
/*!40000 ALTER TABLE `core_schedule` DISABLE KEYS */;
INSERT INTO `core_schedule` VALUES
(0x766F74652E636C6F73655F647565,'2026-11-21 15:14:58.093366');
/*!40000 ALTER TABLE `core_schedule` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_sequence`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_sequence` (
  `name` varchar(190) NOT NULL,
  `value` bigint(20) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_sequence` WRITE;
/*!40000 ALTER TABLE `core_sequence` DISABLE KEYS */;
/*!40000 ALTER TABLE `core_sequence` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_session`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_session` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `token_hash` varchar(64) DEFAULT NULL,
  `staff` bigint(20) unsigned DEFAULT NULL,
  `member` bigint(20) unsigned DEFAULT NULL,
  `address` varchar(45) DEFAULT NULL,
  `agent` varchar(200) DEFAULT NULL,
  `last_seen` datetime(6) DEFAULT NULL,
  `expires_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_token_hash` (`token_hash`),
  KEY `i_staff` (`staff`),
  KEY `i_member` (`member`),
  KEY `i_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_session` WRITE;
/*!40000 ALTER TABLE `core_session` DISABLE KEYS */;
INSERT INTO `core_session` VALUES
(382549457817829376,'2026-11-21 15:14:58.169562','2026-11-21 15:14:58.169562',NULL,'2ed99ec8734c5ac8a3a94293c9516b124afe1adb9d54feb93b4fa6be6da914d0',382549457129963522,NULL,'127.0.0.1','node','2026-11-21 15:14:58.169562','2026-11-28 15:14:58.169562'),
(382549458493112321,'2026-11-21 15:14:58.330770','2026-11-21 15:14:58.330770',NULL,'fc0e19cf688ca0a58985e360c276a613428247ec8cfbb7c4f9ba06cd85ca7524',NULL,382549458493112320,'127.0.0.1','node','2026-11-21 15:14:58.330770','2027-01-20 15:14:58.330770');
/*!40000 ALTER TABLE `core_session` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_setting`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_setting` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `plugin` varchar(40) DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `value` mediumtext DEFAULT NULL CHECK (json_valid(`value`)),
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_plugin_name` (`plugin`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_setting` WRITE;
/*!40000 ALTER TABLE `core_setting` DISABLE KEYS */;
/*!40000 ALTER TABLE `core_setting` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_staff`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_staff` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `state` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `deleted_at` datetime(6) DEFAULT NULL,
  `live` tinyint(1) DEFAULT 1,
  `login` varchar(40) DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `phone` varchar(20) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `email` varchar(254) DEFAULT NULL,
  `department` bigint(20) unsigned DEFAULT NULL,
  `last_login_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_login` (`login`,`live`),
  UNIQUE KEY `u_phone` (`phone`,`live`),
  KEY `i_name` (`name`,`live`),
  KEY `i_state_name` (`state`,`name`,`live`),
  KEY `i_department_name` (`department`,`name`,`live`),
  KEY `i_created_at` (`created_at`,`live`),
  KEY `i_deleted_at` (`deleted_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_staff` WRITE;
/*!40000 ALTER TABLE `core_staff` DISABLE KEYS */;
INSERT INTO `core_staff` VALUES
(382549457129963522,'2026-11-21 15:14:58.063026','2026-11-21 15:14:58.063026',NULL,1,'active',NULL,1,'admin','管理员','13800000001',NULL,NULL,'2026-11-21 15:14:58.169510'),
(382549458002378752,'2026-11-21 15:14:58.213000','2026-11-21 15:14:58.213000',382549457129963522,1,'active',NULL,1,'wang','王经办','13900000002','wang@example.com',382549457956241408,NULL);
/*!40000 ALTER TABLE `core_staff` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_staff_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_staff_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_staff_history` WRITE;
/*!40000 ALTER TABLE `core_staff_history` DISABLE KEYS */;
INSERT INTO `core_staff_history` VALUES
(382549458006573057,382549458002378752,'2026-11-21 15:14:58.213952','staff',382549457129963522,'管理员','create','[{\"field\":\"state\",\"before\":null,\"after\":\"active\"},{\"field\":\"login\",\"before\":null,\"after\":\"wang\"},{\"field\":\"name\",\"before\":null,\"after\":\"王经办\"},{\"field\":\"phone\",\"before\":null,\"after\":\"13900000002\"},{\"field\":\"email\",\"before\":null,\"after\":\"wang@example.com\"},{\"field\":\"department\",\"before\":null,\"after\":\"382549457956241408\"},{\"field\":\"roles\",\"before\":[],\"after\":[{\"staff\":\"382549458002378752\",\"role\":\"382549457977212928\",\"id\":\"382549458006573056\"}]}]');
/*!40000 ALTER TABLE `core_staff_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_staff_role`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_staff_role` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `staff` bigint(20) unsigned DEFAULT NULL,
  `role` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_staff_role` (`staff`,`role`),
  KEY `i_role` (`role`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_staff_role` WRITE;
/*!40000 ALTER TABLE `core_staff_role` DISABLE KEYS */;
INSERT INTO `core_staff_role` VALUES
(382549457373233153,'2026-11-21 15:14:58.063461','2026-11-21 15:14:58.063461',NULL,382549457129963522,382549457373233152),
(382549458006573056,'2026-11-21 15:14:58.214000','2026-11-21 15:14:58.214000',382549457129963522,382549458002378752,382549457977212928);
/*!40000 ALTER TABLE `core_staff_role` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `core_staff_secret`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `core_staff_secret` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `staff` bigint(20) unsigned DEFAULT NULL,
  `password_hash` varchar(200) DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_staff` (`staff`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `core_staff_secret` WRITE;
/*!40000 ALTER TABLE `core_staff_secret` DISABLE KEYS */;
INSERT INTO `core_staff_secret` VALUES
(382549457373233154,'2026-11-21 15:14:58.063860','2026-11-21 15:14:58.063860',NULL,382549457129963522,'$argon2id$v=19$m=19456,t=2,p=1$uB+JzOBLAsytMkci9/Uhqw$ff4gc4FcwuUrIwNeY9S6QbwGXv8BImpD1fU5NCynUQo','2026-11-21 15:14:58.063860'),
(382549458170150912,'2026-11-21 15:14:58.253745','2026-11-21 15:14:58.253745',NULL,382549458002378752,'$argon2id$v=19$m=19456,t=2,p=1$VmGnX05HGSueJJkxeL+h/w$TmPYX0PIi6YSO4qwQPyLCuOqSph7AabcFzCy9vtoYbw','2026-11-21 15:14:58.253745');
/*!40000 ALTER TABLE `core_staff_secret` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `vote_ballot`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `vote_ballot` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `poll` bigint(20) unsigned DEFAULT NULL,
  `options` mediumtext DEFAULT NULL CHECK (json_valid(`options`)),
  `chosen` varchar(500) DEFAULT NULL,
  `member` bigint(20) unsigned DEFAULT NULL,
  `device` varchar(64) DEFAULT NULL,
  `address` varchar(45) DEFAULT NULL,
  `client` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 'h5',
  `request_key` varchar(80) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_request_key` (`request_key`),
  KEY `i_poll_created_at` (`poll`,`created_at`),
  KEY `i_member` (`member`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `vote_ballot` WRITE;
/*!40000 ALTER TABLE `vote_ballot` DISABLE KEYS */;
INSERT INTO `vote_ballot` VALUES
(382549458518278144,'2026-11-21 15:14:58.333754','2026-11-21 15:14:58.333754',NULL,382549458283397120,'[\"382549458287591424\"]','甲公司',382549458493112320,'6164667478727274666e412d426f355773712d4e5741','127.0.0.0','api','c9bb9359431ed31dec7e03e0fdba9aec');
/*!40000 ALTER TABLE `vote_ballot` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `vote_option`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `vote_option` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `poll` bigint(20) unsigned DEFAULT NULL,
  `position` bigint(20) DEFAULT 0,
  `title` varchar(100) DEFAULT NULL,
  `text` mediumtext DEFAULT NULL,
  `picture` bigint(20) unsigned DEFAULT NULL,
  `video` bigint(20) unsigned DEFAULT NULL,
  `count` bigint(20) DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `i_poll_position` (`poll`,`position`),
  KEY `i_picture` (`picture`),
  KEY `i_video` (`video`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `vote_option` WRITE;
/*!40000 ALTER TABLE `vote_option` DISABLE KEYS */;
INSERT INTO `vote_option` VALUES
(382549458287591424,'2026-11-21 15:14:58.281000','2026-11-21 15:14:58.281000',382549457129963522,382549458283397120,0,'甲公司','新能源',NULL,NULL,1),
(382549458291785728,'2026-11-21 15:14:58.282000','2026-11-21 15:14:58.282000',382549457129963522,382549458283397120,1,'乙公司','生物医药',NULL,NULL,0),
(382549458308562944,'2026-11-21 15:14:58.286000','2026-11-21 15:14:58.286000',382549457129963522,382549458283397120,2,'丙公司',NULL,NULL,NULL,0),
(382549458405031937,'2026-11-21 15:14:58.309000','2026-11-21 15:14:58.309000',382549457129963522,382549458405031936,0,'甲公司','新能源',NULL,NULL,0),
(382549458405031938,'2026-11-21 15:14:58.309000','2026-11-21 15:14:58.309000',382549457129963522,382549458405031936,1,'乙公司','生物医药',NULL,NULL,0),
(382549458409226240,'2026-11-21 15:14:58.310000','2026-11-21 15:14:58.310000',382549457129963522,382549458405031936,2,'丙公司',NULL,NULL,NULL,0),
(382549458446974977,'2026-11-21 15:14:58.319000','2026-11-21 15:14:58.319000',382549457129963522,382549458446974976,0,'甲公司','新能源',NULL,NULL,0),
(382549458446974978,'2026-11-21 15:14:58.319000','2026-11-21 15:14:58.319000',382549457129963522,382549458446974976,1,'乙公司','生物医药',NULL,NULL,0),
(382549458446974979,'2026-11-21 15:14:58.319000','2026-11-21 15:14:58.319000',382549457129963522,382549458446974976,2,'丙公司',NULL,NULL,NULL,0);
/*!40000 ALTER TABLE `vote_option` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `vote_poll`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `vote_poll` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `owner` bigint(20) unsigned DEFAULT NULL,
  `dept` bigint(20) unsigned DEFAULT NULL,
  `version` bigint(20) NOT NULL DEFAULT 1,
  `state` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `deleted_at` datetime(6) DEFAULT NULL,
  `live` tinyint(1) DEFAULT 1,
  `name` varchar(60) DEFAULT NULL,
  `title` varchar(100) DEFAULT NULL,
  `intro` mediumtext DEFAULT NULL,
  `cover` bigint(20) unsigned DEFAULT NULL,
  `starts_at` datetime(6) DEFAULT NULL,
  `ends_at` datetime(6) DEFAULT NULL,
  `choice` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 'single',
  `max_choices` bigint(20) DEFAULT 1,
  `period` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 'total',
  `limit_person` bigint(20) DEFAULT 1,
  `limit_device` bigint(20) DEFAULT 1,
  `limit_address` bigint(20) DEFAULT 0,
  `login_required` tinyint(1) DEFAULT 0,
  `results` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 'always',
  `ballots` bigint(20) DEFAULT 0,
  `voters` bigint(20) DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `i_state_ends_at` (`state`,`ends_at`,`live`),
  KEY `i_name` (`name`,`live`),
  KEY `i_starts_at` (`starts_at`,`live`),
  KEY `i_owner` (`owner`,`live`),
  KEY `i_dept` (`dept`,`live`),
  KEY `i_cover` (`cover`,`live`),
  KEY `i_created_at` (`created_at`,`live`),
  KEY `i_deleted_at` (`deleted_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `vote_poll` WRITE;
/*!40000 ALTER TABLE `vote_poll` DISABLE KEYS */;
INSERT INTO `vote_poll` VALUES
(382549458283397120,'2026-11-21 15:14:58.280000','2026-11-21 15:14:58.294833',382549457129963522,382549457129963522,NULL,2,'published',NULL,1,'旧版投票','谁是最佳展商？','<p>请投出您的一票</p>',382549458262425600,'2026-11-21 14:14:58.279000','2026-11-21 16:14:58.279000','single',1,'total',0,0,0,0,'always',1,1),
(382549458405031936,'2026-11-21 15:14:58.309000','2026-11-21 15:14:58.313696',382549457129963522,382549457129963522,NULL,2,'draft',NULL,1,'旧版草稿','改过的标题','<p>请投出您的一票</p>',NULL,'2026-11-21 14:14:58.308000','2026-11-21 16:14:58.308000','single',1,'total',0,0,0,0,'always',0,0),
(382549458446974976,'2026-11-21 15:14:58.319000','2026-11-21 15:14:58.322515',382549457129963522,382549457129963522,NULL,2,'draft','2026-11-21 15:14:58.322515',NULL,'旧版已删','谁是最佳展商？','<p>请投出您的一票</p>',NULL,'2026-11-21 14:14:58.318000','2026-11-21 16:14:58.318000','single',1,'total',0,0,0,0,'always',0,0);
/*!40000 ALTER TABLE `vote_poll` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `vote_poll_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `vote_poll_history` (
  `id` bigint(20) unsigned NOT NULL,
  `row_id` bigint(20) unsigned NOT NULL,
  `at` datetime(6) NOT NULL,
  `who_kind` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `who` bigint(20) unsigned DEFAULT NULL,
  `who_name` varchar(60) DEFAULT NULL,
  `action` varchar(60) NOT NULL,
  `changes` mediumtext DEFAULT NULL CHECK (json_valid(`changes`)),
  PRIMARY KEY (`id`),
  KEY `i_row_id` (`row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `vote_poll_history` WRITE;
/*!40000 ALTER TABLE `vote_poll_history` DISABLE KEYS */;
INSERT INTO `vote_poll_history` VALUES
(382549458308562945,382549458283397120,'2026-11-21 15:14:58.280484','staff',382549457129963522,'管理员','create','[{\"field\":\"owner\",\"before\":null,\"after\":\"382549457129963522\"},{\"field\":\"state\",\"before\":null,\"after\":\"draft\"},{\"field\":\"name\",\"before\":null,\"after\":\"旧版投票\"},{\"field\":\"title\",\"before\":null,\"after\":\"谁是最佳展商？\"},{\"field\":\"intro\",\"before\":null,\"after\":\"<p>请投出您的一票</p>\"},{\"field\":\"cover\",\"before\":null,\"after\":\"382549458262425600\"},{\"field\":\"starts_at\",\"before\":null,\"after\":\"2026-11-21T14:14:58.279Z\"},{\"field\":\"ends_at\",\"before\":null,\"after\":\"2026-11-21T16:14:58.279Z\"},{\"field\":\"choice\",\"before\":null,\"after\":\"single\"},{\"field\":\"max_choices\",\"before\":null,\"after\":1},{\"field\":\"period\",\"before\":null,\"after\":\"total\"},{\"field\":\"limit_person\",\"before\":null,\"after\":0},{\"field\":\"limit_device\",\"before\":null,\"after\":0},{\"field\":\"limit_address\",\"before\":null,\"after\":0},{\"field\":\"login_required\",\"before\":null,\"after\":false},{\"field\":\"results\",\"before\":null,\"after\":\"always\"},{\"field\":\"ballots\",\"before\":null,\"after\":0},{\"field\":\"voters\",\"before\":null,\"after\":0},{\"field\":\"options\",\"before\":[],\"after\":[{\"poll\":\"382549458283397120\",\"title\":\"甲公司\",\"text\":\"新能源\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458287591424\"},{\"poll\":\"382549458283397120\",\"title\":\"乙公司\",\"text\":\"生物医药\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458291785728\"},{\"poll\":\"382549458283397120\",\"title\":\"丙公司\",\"text\":null,\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458308562944\"}]}]'),
(382549458350505984,382549458283397120,'2026-11-21 15:14:58.294833','staff',382549457129963522,'管理员','publish','[{\"field\":\"state\",\"before\":\"draft\",\"after\":\"published\"}]'),
(382549458409226241,382549458405031936,'2026-11-21 15:14:58.309570','staff',382549457129963522,'管理员','create','[{\"field\":\"owner\",\"before\":null,\"after\":\"382549457129963522\"},{\"field\":\"state\",\"before\":null,\"after\":\"draft\"},{\"field\":\"name\",\"before\":null,\"after\":\"旧版草稿\"},{\"field\":\"title\",\"before\":null,\"after\":\"谁是最佳展商？\"},{\"field\":\"intro\",\"before\":null,\"after\":\"<p>请投出您的一票</p>\"},{\"field\":\"starts_at\",\"before\":null,\"after\":\"2026-11-21T14:14:58.308Z\"},{\"field\":\"ends_at\",\"before\":null,\"after\":\"2026-11-21T16:14:58.308Z\"},{\"field\":\"choice\",\"before\":null,\"after\":\"single\"},{\"field\":\"max_choices\",\"before\":null,\"after\":1},{\"field\":\"period\",\"before\":null,\"after\":\"total\"},{\"field\":\"limit_person\",\"before\":null,\"after\":0},{\"field\":\"limit_device\",\"before\":null,\"after\":0},{\"field\":\"limit_address\",\"before\":null,\"after\":0},{\"field\":\"login_required\",\"before\":null,\"after\":false},{\"field\":\"results\",\"before\":null,\"after\":\"always\"},{\"field\":\"ballots\",\"before\":null,\"after\":0},{\"field\":\"voters\",\"before\":null,\"after\":0},{\"field\":\"options\",\"before\":[],\"after\":[{\"poll\":\"382549458405031936\",\"title\":\"甲公司\",\"text\":\"新能源\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458405031937\"},{\"poll\":\"382549458405031936\",\"title\":\"乙公司\",\"text\":\"生物医药\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458405031938\"},{\"poll\":\"382549458405031936\",\"title\":\"丙公司\",\"text\":null,\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458409226240\"}]}]'),
(382549458426003456,382549458405031936,'2026-11-21 15:14:58.313696','staff',382549457129963522,'管理员','update','[{\"field\":\"title\",\"before\":\"谁是最佳展商？\",\"after\":\"改过的标题\"}]'),
(382549458446974980,382549458446974976,'2026-11-21 15:14:58.319166','staff',382549457129963522,'管理员','create','[{\"field\":\"owner\",\"before\":null,\"after\":\"382549457129963522\"},{\"field\":\"state\",\"before\":null,\"after\":\"draft\"},{\"field\":\"name\",\"before\":null,\"after\":\"旧版已删\"},{\"field\":\"title\",\"before\":null,\"after\":\"谁是最佳展商？\"},{\"field\":\"intro\",\"before\":null,\"after\":\"<p>请投出您的一票</p>\"},{\"field\":\"starts_at\",\"before\":null,\"after\":\"2026-11-21T14:14:58.318Z\"},{\"field\":\"ends_at\",\"before\":null,\"after\":\"2026-11-21T16:14:58.318Z\"},{\"field\":\"choice\",\"before\":null,\"after\":\"single\"},{\"field\":\"max_choices\",\"before\":null,\"after\":1},{\"field\":\"period\",\"before\":null,\"after\":\"total\"},{\"field\":\"limit_person\",\"before\":null,\"after\":0},{\"field\":\"limit_device\",\"before\":null,\"after\":0},{\"field\":\"limit_address\",\"before\":null,\"after\":0},{\"field\":\"login_required\",\"before\":null,\"after\":false},{\"field\":\"results\",\"before\":null,\"after\":\"always\"},{\"field\":\"ballots\",\"before\":null,\"after\":0},{\"field\":\"voters\",\"before\":null,\"after\":0},{\"field\":\"options\",\"before\":[],\"after\":[{\"poll\":\"382549458446974976\",\"title\":\"甲公司\",\"text\":\"新能源\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458446974977\"},{\"poll\":\"382549458446974976\",\"title\":\"乙公司\",\"text\":\"生物医药\",\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458446974978\"},{\"poll\":\"382549458446974976\",\"title\":\"丙公司\",\"text\":null,\"picture\":null,\"video\":null,\"count\":0,\"id\":\"382549458446974979\"}]}]'),
(382549458463752192,382549458446974976,'2026-11-21 15:14:58.322515','staff',382549457129963522,'管理员','delete','[]');
/*!40000 ALTER TABLE `vote_poll_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `vote_tally`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `vote_tally` (
  `id` bigint(20) unsigned NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `created_by` bigint(20) unsigned DEFAULT NULL,
  `poll` bigint(20) unsigned DEFAULT NULL,
  `kind` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `subject` varchar(64) DEFAULT NULL,
  `day` bigint(20) DEFAULT 0,
  `n` bigint(20) DEFAULT 0,
  `chosen` mediumtext DEFAULT NULL CHECK (json_valid(`chosen`)),
  PRIMARY KEY (`id`),
  UNIQUE KEY `u_poll_kind_subject_day` (`poll`,`kind`,`subject`,`day`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `vote_tally` WRITE;
/*!40000 ALTER TABLE `vote_tally` DISABLE KEYS */;
INSERT INTO `vote_tally` VALUES
(382549458518278145,'2026-11-21 15:14:58.336911','2026-11-21 15:14:58.336911',NULL,382549458283397120,'person','382549458493112320',0,1,'[\"382549458287591424\"]');
/*!40000 ALTER TABLE `vote_tally` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

CREATE USER `atrium_54f16b43c800000`@`localhost` IDENTIFIED BY PASSWORD '*9BF0F81C3A67EE373AF0F2A6254F6E3D2A8D55EE';
GRANT USAGE ON *.* TO `atrium_54f16b43c800000`@`localhost` IDENTIFIED BY PASSWORD '*9BF0F81C3A67EE373AF0F2A6254F6E3D2A8D55EE';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES ON `atrium\_t\_old`.* TO `atrium_54f16b43c800000`@`localhost`;
